//! Which callbacks of a connection are due, and which of them runs next.
//!
//! Each due callback is a bit in the word of the slot's turn. It is checked again before it is called:
//! it is dropped if its reason is gone, and waits while its direction is disabled.

use super::slot::flag;
use super::{ConnEvent, ConnSlot, Direction};
use crate::handle::Conn;
use crate::outbox::{Action, action};
use crate::{Cx, Fired, Instant};

/// Callbacks that are due, in the order they run (rule R2, an accept first of all).
pub(super) mod due {
    pub(in crate::conn) const ACCEPTED: u8 = 1 << 0;
    pub(in crate::conn) const CONNECTED: u8 = 1 << 1;
    pub(in crate::conn) const READ: u8 = 1 << 2;
    pub(in crate::conn) const WRITE: u8 = 1 << 3;
    pub(in crate::conn) const READ_TIMEOUT: u8 = 1 << 4;
    pub(in crate::conn) const WRITE_TIMEOUT: u8 = 1 << 5;
    pub(in crate::conn) const EOF: u8 = 1 << 6;
    pub(in crate::conn) const FAILED: u8 = 1 << 7;

    /// Callbacks that delay the end of stream to the next pass.
    pub(super) const BEFORE_EOF: u8 = READ | CONNECTED;
    pub(super) const TIMEOUTS: u8 = READ_TIMEOUT | WRITE_TIMEOUT;
    /// Callbacks that wait until reading is enabled.
    pub(super) const OF_READING: u8 = READ | READ_TIMEOUT | EOF;
    /// Callbacks that wait until writing is enabled.
    pub(super) const OF_WRITING: u8 = WRITE | WRITE_TIMEOUT;
}

impl<A> ConnSlot<A> {
    /// Returns the first due callback whose direction is enabled; zero for none.
    fn next_due(&self) -> u8 {
        let mut due = self.turn.due();
        if !self.has(flag::READ_ENABLED) {
            due &= !due::OF_READING;
        }
        if !self.has(flag::WRITE_ENABLED) {
            due &= !due::OF_WRITING;
        }
        due & due.wrapping_neg()
    }

    /// Takes back callbacks that are due.
    pub(super) const fn clear_due(&mut self, due: u8) {
        self.turn.set_due(self.turn.due() & !due);
    }

    /// Takes the next callback, except that of a listener. Input rings have `input_len` bytes.
    fn take_call(&mut self, conn: Conn, now: Instant, input_len: usize) -> Option<Fired<A>> {
        if self.turn.due() & due::TIMEOUTS != 0 {
            self.clear_due(due::TIMEOUTS & !self.timeouts_passed(now, input_len));
        }
        if self.input.len() == 0 {
            self.clear_due(due::READ);
        }
        if self.output.len() > 0 {
            self.clear_due(due::WRITE);
        }
        let first = self.next_due();
        self.clear_due(first);
        let event = match first {
            0 => return None,
            due::READ => return self.on_read.map(|call| Fired::Conn(call, conn)),
            due::WRITE => return self.on_write.map(|call| Fired::Conn(call, conn)),
            due::CONNECTED => ConnEvent::Connected,
            due::READ_TIMEOUT => {
                self.disable(Direction::Read);
                ConnEvent::Timeout(Direction::Read)
            }
            due::WRITE_TIMEOUT => {
                self.disable(Direction::Write);
                ConnEvent::Timeout(Direction::Write)
            }
            due::EOF => {
                self.disable(Direction::Read);
                ConnEvent::Eof
            }
            _ => ConnEvent::Failed(self.error.into()),
        };
        self.on_event.map(|call| Fired::ConnEvent(call, conn, event))
    }

    /// Enables a direction. Reading stays disabled once the end of stream was reported.
    pub(super) fn enable(&mut self, direction: Direction) {
        match direction {
            Direction::Read => {
                let open = !self.has(flag::EOF) || self.turn.due() & due::EOF != 0;
                self.turn.set(flag::READ_ENABLED, open);
            }
            Direction::Write => self.turn.set(flag::WRITE_ENABLED, true),
        }
    }

    pub(super) const fn disable(&mut self, direction: Direction) {
        match direction {
            Direction::Read => self.turn.set(flag::READ_ENABLED, false),
            Direction::Write => self.turn.set(flag::WRITE_ENABLED, false),
        }
    }

    /// Returns whether its listener's callback has not run yet: the application does not know of it.
    pub(crate) const fn is_unaccepted(&self) -> bool {
        self.turn.due() & due::ACCEPTED != 0
    }

    /// Marks it as not passed to its listener's callback yet, or as passed.
    pub(crate) const fn set_unaccepted(&mut self, unaccepted: bool) {
        self.turn.set_due(if unaccepted { due::ACCEPTED } else { 0 });
    }

    /// Returns whether the application has set a callback for `due`.
    pub(super) const fn hears(&self, due: u8) -> bool {
        match due {
            due::READ => self.on_read.is_some(),
            due::WRITE => self.on_write.is_some(),
            _ => self.on_event.is_some(),
        }
    }
}

impl<A> Cx<'_, A> {
    /// Prepares the next callback of a connection whose turn it is; the turn ends with the last.
    ///
    /// The end of stream waits for the next pass, so that the back end is first offered what the
    /// callback for the earlier input writes.
    pub(crate) fn conn_fire(&mut self, index: u16) -> Option<Fired<A>> {
        let (now, input_len) = (self.now, self.rings.input_len());
        let (conn, slot) = self.tables.conns.at(index)?;
        if slot.is_unaccepted() {
            return self.hand_over(index);
        }
        let before = slot.turn.due();
        let fired = slot.take_call(conn, now, input_len);
        let left = slot.turn.due();
        let eof_waits = before & !left & due::BEFORE_EOF != 0 && left & due::EOF != 0;
        if eof_waits || slot.next_due() == 0 {
            self.queues.done(&mut slot.turn);
            self.conn_activate(index, left);
        }
        fired
    }

    /// Makes a callback due, if one is set.
    #[inline]
    pub(super) fn conn_due(&mut self, index: u16, due: u8) {
        if self.tables.conns.slot(index).is_some_and(|slot| slot.hears(due)) {
            self.conn_activate(index, due);
        }
    }

    /// Makes callbacks due, and gives a turn to a connection that the application knows, if one can run.
    pub(super) fn conn_activate(&mut self, index: u16, due: u8) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        slot.turn.add_due(due);
        if slot.next_due() != 0 && !slot.is_unaccepted() {
            self.conn_queue(index);
        }
    }

    /// Gives a connection a turn.
    pub(crate) fn conn_queue(&mut self, index: u16) {
        self.activate(self.tables.conn_id(index), 0);
    }

    pub(super) fn conn_post(&mut self, index: u16, action: u8) {
        let slot = self.tables.conns.slot_mut(index);
        if slot.is_some_and(|slot| slot.pending.add(action)) {
            let id = self.tables.conn_id(index);
            self.outbox.append(&mut self.tables, id);
        }
    }

    pub(crate) fn conn_action(&mut self, index: u16, action: u8) -> Option<Action> {
        let (conn, slot) = self.tables.conns.at(index)?;
        match action {
            action::OPEN => Some(Action::Connect(conn)),
            action::TUNE if slot.is_held() => Some(Action::Tune(conn, slot.tuning())),
            action::RECEIVE if slot.wants_input() => {
                if !slot.is_held() {
                    slot.input.clear();
                }
                Some(Action::Receive(conn))
            }
            action::SEND if slot.may_send() => Some(Action::Send(conn)),
            action::END => Some(Action::End(conn)),
            action::CLOSE => {
                self.conn_give_back(index);
                Some(Action::Close(conn))
            }
            action::DROP => {
                self.conn_give_back(index);
                Some(Action::Reset(conn))
            }
            _ => None,
        }
    }
}
