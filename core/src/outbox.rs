//! The outbox: the actions that the base requests of its back end.
//!
//! A method that requests an action only sets a bit in the slot of its object, and puts the slot on a list. An
//! iteration passes the actions to the back end before it waits ([`EventBase::settle`](crate::EventBase::settle)).
//! Equal actions of a slot merge, and the links of the list are in the slots. So the list cannot overflow. Requesting
//! an action and taking an action are O(1).

use core::net::SocketAddr;

use crate::handle::{Conn, Listener, Source, UdpSocket};
use crate::queue::Id;
use crate::record::Entry;
use crate::tables::{ObjectIndex, Tables};
use crate::{Cx, EventBase, EventFlags, Signal, Tuning, UdpAction};

/// An action that the base requests of the back end.
///
/// A handle in an action is valid until an action ends the object, for example [`Close`](Self::Close), or until the
/// back end reports the end of the object, for example with [`EventBase::failed`].
///
/// The enum is exhaustive, so a back end must match every action. If a later version adds an action, a back end that
/// does not handle the new action does not compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open the listener if it is not open, and accept connections to its address
    /// ([`EventBase::address_of`]).
    Listen(Listener),
    /// Accept no connections until the next [`Listen`](Self::Listen). If the stack has a backlog, clients that connect
    /// meanwhile wait in the backlog.
    Ignore(Listener),
    /// Close the listener. The handle is stale from now on.
    Unlisten(Listener),
    /// Open the connection to its peer ([`EventBase::peer_of`]). The socket starts with the settings
    /// [`Tuning::DEFAULT`].
    Connect(Conn),
    /// Apply these settings to the connection's socket.
    Tune(Conn, Tuning),
    /// There may be room for input again: check [`EventBase::input`].
    Receive(Conn),
    /// There is output to send: [`EventBase::output`] returns it.
    Send(Conn),
    /// Send the end of the stream to the peer. All output was sent before. Call [`EventBase::delivered`] when the peer
    /// has acknowledged the end of the stream. On an operating system, which delivers the end of the stream even if the
    /// socket is dropped, call `delivered` at once.
    End(Conn),
    /// Drop the connection's socket. Nothing is left to do for the connection. The handle is stale from now on, unless
    /// [`Connect`](Self::Connect) follows for the same handle. A new connection may already use the same slot, so two
    /// handles can have the same [index](crate::Handle::index).
    Close(Conn),
    /// Reset the connection and drop its socket. The handle is stale from now on, unless [`Connect`](Self::Connect)
    /// follows for the same handle.
    Reset(Conn),
    /// From now on, report the readiness of the source for these conditions. If the source is ready now, report the
    /// readiness even if it was reported before. With an empty set, report nothing.
    Interest(Source, EventFlags),
    /// Stop watching the source. The handle is stale from now on.
    Forget(Source),
    /// Catch the signal.
    Catch(Signal),
    /// Stop catching the signal. The signal has the effect again that it had before [`Catch`](Action::Catch).
    Release(Signal),
    /// Carry out this action for a UDP socket. Without the feature `udp` no value of this variant exists.
    Udp(UdpSocket, UdpAction),
}

/// The bits of a slot's pending actions. The action with the lowest bit is taken first.
pub(crate) mod action {
    pub(crate) const OPEN: u8 = 1 << 0;
    pub(crate) const TUNE: u8 = 1 << 1;
    pub(crate) const RECEIVE: u8 = 1 << 2;
    pub(crate) const SEND: u8 = 1 << 3;
    pub(crate) const END: u8 = 1 << 4;
    /// Only for a listener: accept no more connections.
    pub(crate) const PAUSE: u8 = 1 << 5;
    /// Only for a connection: the slot is freed. The back end does not get this action.
    pub(crate) const FREE: u8 = 1 << 5;
    pub(crate) const CLOSE: u8 = 1 << 6;
    /// Only for a connection.
    pub(crate) const RESET: u8 = 1 << 7;
    /// Only for a listener, a source or a UDP socket: the back end drops the object, and the object's slot is freed.
    pub(crate) const DROP: u8 = 1 << 7;
}

/// A slot's pending actions, and the slot's link on the list. When a slot is freed, its actions are cleared, but the
/// slot stays on the list. [`Outbox::take`] removes the slot when it is the first slot on the list.
#[derive(Clone, Copy)]
pub(crate) struct Pending {
    next: Id,
    pub(crate) actions: u8,
    listed: bool,
}

impl Pending {
    pub(crate) const EMPTY: Self = Self { next: Id::NONE, actions: 0, listed: false };

    /// Adds actions. Returns whether the slot must be [appended](Outbox::append) to the list.
    pub(crate) const fn add(&mut self, actions: u8) -> bool {
        self.actions |= actions;
        if self.listed {
            return false;
        }
        (self.next, self.listed) = (Id::NONE, true);
        true
    }

    /// Takes the first action.
    fn take(&mut self) -> u8 {
        let first = self.actions & self.actions.wrapping_neg();
        self.actions &= !first;
        first
    }
}

/// The list of slots with pending actions, the signals to catch or to release, and the evicted connection.
pub(crate) struct Outbox {
    first: Id,
    last: Id,
    /// Whether there may be an action: in the fields below, or in a slot on the list.
    has_actions: bool,
    signals: u32,
    /// The evicted connection. A new connection has taken the slot of the evicted connection, but the back end still
    /// has its socket.
    evicted: Conn,
}

impl Outbox {
    pub(crate) const fn new() -> Self {
        Self {
            first: Id::NONE,
            last: Id::NONE,
            has_actions: false,
            signals: 0,
            evicted: Conn::NONE,
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        !self.has_actions
    }

    /// Requests that the back end catches a signal if an event waits for the signal, or releases the signal if no event
    /// waits for it.
    pub(crate) const fn add_signal(&mut self, signal: Signal) {
        self.signals |= signal.bit();
        self.has_actions = true;
    }

    /// Returns whether a connection may be evicted, that is, whether a new connection may take the slot of a lingering
    /// connection. Only one evicted connection is stored. So the back end must first take the action for the previous
    /// evicted connection.
    pub(crate) fn may_evict(&self) -> bool {
        self.evicted == Conn::NONE
    }

    /// Requests that the back end drops the socket of an evicted connection.
    pub(crate) const fn evict(&mut self, conn: Conn) {
        self.evicted = conn;
        self.has_actions = true;
    }

    /// Appends a slot to the list after an action of the slot was requested.
    pub(crate) fn append<A>(&mut self, tables: &mut Tables<'_, A>, id: Id) {
        self.has_actions = true;
        match tables.pending(core::mem::replace(&mut self.last, id)) {
            Some(behind) => behind.next = id,
            None => self.first = id,
        }
    }

    /// Takes the next action of the first slot on the list. If this is the last action of the slot, removes the slot
    /// from the list. If a new action is requested for the slot later, the slot is appended again.
    fn take<A>(&mut self, tables: &mut Tables<'_, A>) -> Option<(Id, u8)> {
        while let Some(pending) = tables.pending(self.first) {
            let (id, action) = (self.first, pending.take());
            if pending.actions == 0 {
                pending.listed = false;
                self.first = pending.next;
            }
            if self.first.is_none() {
                (self.last, self.has_actions) = (Id::NONE, false);
            }
            if action != 0 {
                return Some((id, action));
            }
        }
        self.has_actions = false;
        None
    }
}

impl<A> Cx<'_, A> {
    /// Adds actions to the pending actions of a slot.
    pub(crate) fn post(&mut self, id: Id, actions: u8) {
        if self.tables.pending(id).is_some_and(|pending| pending.add(actions)) {
            self.outbox.append(&mut self.tables, id);
        }
    }
}

impl<A> EventBase<'_, A> {
    /// Takes the next action; `None` if no action is pending.
    ///
    /// [`iterate`](EventBase::iterate) calls this method. Call it directly only in tests and in programs that measure
    /// single steps.
    #[inline]
    pub fn next_action(&mut self) -> Option<Action> {
        let action = if self.cx.outbox.is_empty() { None } else { self.take_action() };
        self.cx.recorder.record(|| Entry::Action(action, self.address_in(action)));
        action
    }

    /// Returns the address for a listen, connect or bind action, for a recording.
    pub(crate) fn address_in(&self, action: Option<Action>) -> Option<SocketAddr> {
        match action? {
            Action::Listen(listener) => self.address_of(listener),
            Action::Connect(conn) => self.peer_of(conn),
            Action::Udp(socket, action) if action.is_bind() => self.udp_address_of(socket),
            _ => None,
        }
    }

    fn take_action(&mut self) -> Option<Action> {
        let evicted = core::mem::replace(&mut self.cx.outbox.evicted, Conn::NONE);
        if evicted != Conn::NONE {
            return Some(Action::Close(evicted));
        }
        if let Some(action) = self.signal_action() {
            return Some(action);
        }
        loop {
            let cx = &mut self.cx;
            let (id, action) = cx.outbox.take(&mut cx.tables)?;
            let action = match cx.tables.object_index(id) {
                ObjectIndex::Conn(index) => cx.conn_action(index, action),
                ObjectIndex::Listener(index) => cx.listener_action(index, action),
                ObjectIndex::Source(index) => {
                    cx.hooks.source_action.and_then(|take| take(cx, (index, action)))
                }
                ObjectIndex::Udp(index) => cx.udp_action(index, action),
                ObjectIndex::Event(_) => None,
            };
            if action.is_some() {
                return action;
            }
        }
    }

    fn signal_action(&mut self) -> Option<Action> {
        let signal = Signal::lowest(self.cx.outbox.signals)?;
        self.cx.outbox.signals &= !signal.bit();
        let waited_for = self.cx.is_waited_for(signal);
        Some(if waited_for { Action::Catch(signal) } else { Action::Release(signal) })
    }
}
