//! The outbox: what the base asks of its back end.
//!
//! Verbs only leave a note in the slot they concern and put the slot on one list; the back end
//! takes the notes with [`EventBase::next_action`](crate::EventBase::next_action) before it waits.
//! Notes of a kind merge, so the list can not overflow. O(1) for a note, left or taken.

use core::net::SocketAddr;

use crate::handle::{Conn, Listener, Source};
use crate::list::{Chain, Id, Kind, Link, List};
use crate::record::Entry;
use crate::tables::Tables;
use crate::{EventBase, Signal, Tuning, What};

/// Something for the back end to do.
///
/// A handle in an action stays valid until the action itself, or the back end, ends the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Open the listener if it is not open, and accept what comes to this address.
    Listen(Listener, SocketAddr),
    /// Accept nothing for now; what waits is kept where the stack can.
    Ignore(Listener),
    /// Close the listener. The handle is stale from here on.
    Unlisten(Listener),
    /// Open a connection to this address. [`Tuning::DEFAULT`] applies to it.
    Connect(Conn, SocketAddr),
    /// Apply these settings to the connection's socket.
    Tune(Conn, Tuning),
    /// There may be room for input again: [`EventBase::input`] says.
    Receive(Conn),
    /// There is output to send: [`EventBase::output`] has it.
    Send(Conn),
    /// Once the output is sent, tell the peer that no more will come.
    Finish(Conn),
    /// Send the output, close the connection with care for what is under way, and call
    /// [`EventBase::released`] as soon as the rings are not needed any more.
    Close(Conn),
    /// Drop the connection at once. The handle is stale from here on.
    Abort(Conn),
    /// Report readiness of the source for these conditions from now on, once more even if it was
    /// reported before; none of them when the set is empty.
    Interest(Source, What),
    /// Forget the source. The handle is stale from here on.
    Forget(Source),
    /// Catch the signal.
    Catch(Signal),
    /// Leave the signal to its default.
    Release(Signal),
}

/// The notes a slot can carry: one bit each, taken in this order.
pub(crate) mod note {
    pub(crate) const OPEN: u8 = 1 << 0;
    pub(crate) const TUNE: u8 = 1 << 1;
    pub(crate) const RECEIVE: u8 = 1 << 2;
    pub(crate) const SEND: u8 = 1 << 3;
    pub(crate) const FINISH: u8 = 1 << 4;
    pub(crate) const PAUSE: u8 = 1 << 5;
    pub(crate) const CLOSE: u8 = 1 << 6;
    pub(crate) const DROP: u8 = 1 << 7;
}

/// A slot's notes, and its place on the list.
#[derive(Clone, Copy)]
pub(crate) struct Mail {
    pub(crate) link: Link,
    pub(crate) notes: u8,
    listed: bool,
}

impl Mail {
    pub(crate) const EMPTY: Self = Self { link: Link::EMPTY, notes: 0, listed: false };

    /// Takes the first note.
    fn take(&mut self) -> u8 {
        let first = self.notes & self.notes.wrapping_neg();
        self.notes &= !first;
        first
    }
}

/// The list of slots that carry notes, and the signals whose wish changed.
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

    /// Leaves a note with a slot.
    pub(crate) fn post<A>(&mut self, tables: &mut Tables<'_, A>, id: Id, note: u8) {
        let Some(mail) = tables.mail(id) else { return };
        mail.notes |= note;
        if !core::mem::replace(&mut mail.listed, true) {
            self.slots.push(tables, Chain::Outbox, id);
        }
    }

    /// Tears a slot's notes up, before the slot is given back.
    pub(crate) fn forget<A>(&mut self, tables: &mut Tables<'_, A>, id: Id) {
        let Some(mail) = tables.mail(id) else { return };
        mail.notes = 0;
        if core::mem::take(&mut mail.listed) {
            self.slots.remove(tables, Chain::Outbox, id);
        }
    }

    /// Takes the next slot's first note; the slot stays while it has more.
    fn take<A>(&mut self, tables: &mut Tables<'_, A>) -> Option<(Id, u8)> {
        loop {
            let id = self.slots.first()?;
            let mail = tables.mail(id)?;
            let note = mail.take();
            if mail.notes == 0 {
                mail.listed = false;
                self.slots.drop_first(mail.link.next());
            }
            if note != 0 {
                return Some((id, note));
            }
        }
    }
}

impl<A> EventBase<'_, A> {
    /// Takes the next thing to do, until there is none. For back ends, before they wait.
    #[inline]
    pub fn next_action(&mut self) -> Option<Action> {
        let action = if self.cx.outbox.is_empty() { None } else { self.take_action() };
        self.cx.recorder.note(|| Entry::Action(action));
        action
    }

    fn take_action(&mut self) -> Option<Action> {
        if let Some(action) = self.signal_action() {
            return Some(action);
        }
        loop {
            let cx = &mut self.cx;
            let (id, note) = cx.outbox.take(&mut cx.tables)?;
            let action = match id.kind() {
                Kind::Listener => cx.listener_action(id.index(), note),
                Kind::Conn => cx.conn_action(id.index(), note),
                Kind::Source => {
                    cx.parts.source_action.and_then(|action| action(cx, (id.index(), note)))
                }
                Kind::Event => None,
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
