//! The outbox: the actions that the base requests of its back end.
//!
//! Verbs only set a bit in the slot they concern and put the slot on one list; the back end takes the
//! actions with [`EventBase::next_action`](crate::EventBase::next_action) before it waits. Equal
//! actions merge, so the list cannot overflow. O(1) for an action, posted or taken.

use core::net::SocketAddr;

use crate::handle::{Conn, Listener, Source};
use crate::queue::{Id, Link, Links, List};
use crate::record::Entry;
use crate::tables::{Place, Tables};
use crate::{EventBase, Signal, Tuning, What};

/// Something for the back end to do.
///
/// A handle in an action stays valid until the action itself, or the back end, ends the object.
///
/// The enum is exhaustive: a back end matches every action, so a new one is an error when the back end
/// is compiled, instead of a request that is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open the listener if it is not open, and accept what comes to its address
    /// ([`EventBase::address_of`]).
    Listen(Listener),
    /// Accept nothing for now; waiting connections are kept where the stack can.
    Ignore(Listener),
    /// Close the listener. The handle is stale from here on.
    Unlisten(Listener),
    /// Open the connection to its peer ([`EventBase::peer_of`]). [`Tuning::DEFAULT`] applies to it.
    Connect(Conn),
    /// Apply these settings to the connection's socket.
    Tune(Conn, Tuning),
    /// There may be room for input again: check [`EventBase::input`].
    Receive(Conn),
    /// There is output to send: [`EventBase::output`] returns it.
    Send(Conn),
    /// Once the output is sent, send the peer the end of the stream.
    Finish(Conn),
    /// Send the output, close the connection without losing data under way, and call
    /// [`EventBase::released`] as soon as the rings are not needed any more.
    Close(Conn),
    /// Drop the connection at once. The handle is stale from here on.
    Abort(Conn),
    /// From now on report readiness of the source for these conditions, once more even if it was
    /// reported before. An empty set means none of them.
    Interest(Source, What),
    /// Forget the source. The handle is stale from here on.
    Forget(Source),
    /// Catch the signal.
    Catch(Signal),
    /// Leave the signal to its default.
    Release(Signal),
}

/// The bits of a slot's pending actions, taken in this order.
pub(crate) mod action {
    pub(crate) const OPEN: u8 = 1 << 0;
    pub(crate) const TUNE: u8 = 1 << 1;
    pub(crate) const RECEIVE: u8 = 1 << 2;
    pub(crate) const SEND: u8 = 1 << 3;
    pub(crate) const FINISH: u8 = 1 << 4;
    pub(crate) const PAUSE: u8 = 1 << 5;
    pub(crate) const CLOSE: u8 = 1 << 6;
    pub(crate) const DROP: u8 = 1 << 7;
}

/// A slot's pending actions, and its place on the list.
#[derive(Clone, Copy)]
pub(crate) struct Pending {
    link: Link,
    pub(crate) actions: u8,
    listed: bool,
}

impl Pending {
    pub(crate) const EMPTY: Self = Self { link: Link::EMPTY, actions: 0, listed: false };

    /// Takes the first action.
    fn take(&mut self) -> u8 {
        let first = self.actions & self.actions.wrapping_neg();
        self.actions &= !first;
        first
    }
}

/// The links of the list, which stand in the tables.
struct OutboxLinks<'t, 's, A>(&'t mut Tables<'s, A>);

impl<A> Links for OutboxLinks<'_, '_, A> {
    fn link(&mut self, id: Id) -> Option<&mut Link> {
        self.0.pending(id).map(|pending| &mut pending.link)
    }
}

/// The list of slots with pending actions, and the signals whose interest changed.
pub(crate) struct Outbox {
    slots: List,
    pub(crate) signals: u32,
}

impl Outbox {
    pub(crate) const fn new() -> Self {
        Self { slots: List::EMPTY, signals: 0 }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.slots.is_empty() && self.signals == 0
    }

    /// Adds an action to those of a slot.
    pub(crate) fn post<A>(&mut self, tables: &mut Tables<'_, A>, id: Id, action: u8) {
        let Some(pending) = tables.pending(id) else { return };
        pending.actions |= action;
        if !core::mem::replace(&mut pending.listed, true) {
            self.slots.push(&mut OutboxLinks(tables), id);
        }
    }

    /// Forgets a slot's actions, before the slot is given back.
    pub(crate) fn forget<A>(&mut self, tables: &mut Tables<'_, A>, id: Id) {
        let Some(pending) = tables.pending(id) else { return };
        pending.actions = 0;
        if core::mem::take(&mut pending.listed) {
            self.slots.remove(&mut OutboxLinks(tables), id);
        }
    }

    /// Takes the next slot's first action; the slot stays while it has more.
    fn take<A>(&mut self, tables: &mut Tables<'_, A>) -> Option<(Id, u8)> {
        loop {
            let id = self.slots.first;
            let pending = tables.pending(id)?;
            let action = pending.take();
            if pending.actions == 0 {
                pending.listed = false;
                self.slots.drop_first(pending.link.next);
            }
            if action != 0 {
                return Some((id, action));
            }
        }
    }
}

impl<A> EventBase<'_, A> {
    /// Takes the next action; `None` when there are no more. For back ends, before they wait.
    #[inline]
    pub fn next_action(&mut self) -> Option<Action> {
        let action = if self.cx.outbox.is_empty() { None } else { self.take_action() };
        self.cx.recorder.note(|| Entry::Action(action, self.address_in(action)));
        action
    }

    /// Returns the address that an action is about, for a recording.
    pub(crate) fn address_in(&self, action: Option<Action>) -> Option<SocketAddr> {
        match action? {
            Action::Listen(listener) => self.address_of(listener),
            Action::Connect(conn) => self.peer_of(conn),
            _ => None,
        }
    }

    #[inline(never)]
    fn take_action(&mut self) -> Option<Action> {
        if let Some(action) = self.signal_action() {
            return Some(action);
        }
        loop {
            let cx = &mut self.cx;
            let (id, action) = cx.outbox.take(&mut cx.tables)?;
            let action = match cx.tables.place(id) {
                Place::Conn(index) => cx.conn_action(index, action),
                Place::Listener(index) => cx.listener_action(index, action),
                Place::Source(index) => {
                    cx.hooks.source_action.and_then(|take| take(cx, (index, action)))
                }
                Place::Event(_) => None,
            };
            if action.is_some() {
                return action;
            }
        }
    }

    fn signal_action(&mut self) -> Option<Action> {
        let signal = Signal::lowest(self.cx.outbox.signals)?;
        self.cx.outbox.signals &= !signal.bit();
        let waited_for = self.cx.signals.is_waited_for(signal);
        Some(if waited_for { Action::Catch(signal) } else { Action::Release(signal) })
    }
}
