//! Chooses which due callback of a connection runs next. When a connection is at the front of its queue, its due
//! callbacks run one after the other. This is the *connection's turn*, which is not a
//! [turn](crate::EventBase::turn) of the loop.
//!
//! Each due callback is a bit in the slot's [`Turn`](crate::queue::Turn). It is checked again before it is called: it
//! is cancelled if its reason has gone, and waits while its direction is disabled.

use super::slot::flag;
use super::timeouts::LAST;
use super::{ConnEnd, ConnEvent, ConnSlot, Direction};
use crate::outbox::{Action, action};
use crate::pool::Pools;
use crate::table::Slot;
use crate::{Cx, Fired};

/// Callbacks that are due, in the order in which they run (rule R2).
pub(super) mod due {
    pub(in crate::conn) const OPENED: u8 = 1 << 0;
    pub(in crate::conn) const READ: u8 = 1 << 1;
    pub(in crate::conn) const WRITE: u8 = 1 << 2;
    pub(in crate::conn) const READ_TIMEOUT: u8 = 1 << 3;
    pub(in crate::conn) const WRITE_TIMEOUT: u8 = 1 << 4;
    pub(in crate::conn) const ALARM: u8 = 1 << 5;
    pub(in crate::conn) const EOF: u8 = 1 << 6;
    pub(in crate::conn) const ENDED: u8 = 1 << 7;

    /// Callbacks that delay the end of stream to the next pass.
    pub(super) const BEFORE_EOF: u8 = READ | OPENED;
    pub(super) const TIMEOUTS: u8 = READ_TIMEOUT | WRITE_TIMEOUT;
    /// Callbacks of timers.
    pub(super) const OF_TIME: u8 = TIMEOUTS | ALARM;
    /// Callbacks that wait until reading is enabled.
    pub(super) const OF_READING: u8 = READ | READ_TIMEOUT | EOF;
    /// Callbacks that wait until writing is enabled.
    pub(super) const OF_WRITING: u8 = WRITE | WRITE_TIMEOUT;
    /// Callbacks that wait until there is room for an answer.
    pub(in crate::conn) const ANSWERED: u8 = READ | EOF;
    /// Callbacks that wait for room in the output.
    pub(super) const OF_ROOM: u8 = ANSWERED | WRITE;
}

/// The progress of the current connection's turn.
pub(crate) struct ConnTurn {
    index: u16,
    /// The callbacks that have run in this turn, or may not run in it any more.
    run: u8,
}

impl ConnTurn {
    pub(crate) const NONE: Self = Self { index: 0, run: 0 };
}

impl<A> ConnSlot<A> {
    /// Returns the due callbacks that can run now.
    fn ready(&self, pools: &Pools<'_>) -> u8 {
        let mut due = self.turn.due() & (self.has_room_for(pools) | !due::OF_ROOM);
        if !self.has_input_wanted() {
            due &= !due::READ;
        }
        if !self.has(flag::READ_ENABLED) {
            due &= !due::OF_READING;
        }
        if !self.has(flag::WRITE_ENABLED) {
            due &= !due::OF_WRITING;
        }
        due
    }

    /// Cancels due callbacks.
    pub(super) const fn clear_due(&mut self, due: u8) {
        self.turn.set_due(self.turn.due() & !due);
    }

    /// Cancels due callbacks whose reason has gone.
    fn check_due(&mut self, pools: &Pools<'_>) {
        if self.turn.due() & due::TIMEOUTS != 0 {
            self.clear_due(due::TIMEOUTS & !self.passed_by(LAST, pools));
        }
        if self.input.len() == 0 {
            self.clear_due(due::READ);
        }
    }

    /// Returns the event for the callback that runs now.
    fn event_of(&self, due: u8) -> Option<ConnEvent> {
        Some(match due {
            0 => return None,
            due::OPENED => ConnEvent::Opened,
            due::READ => ConnEvent::Readable,
            due::WRITE => ConnEvent::Writable,
            due::READ_TIMEOUT => ConnEvent::Timeout(Direction::Read),
            due::WRITE_TIMEOUT => ConnEvent::Timeout(Direction::Write),
            due::ALARM => ConnEvent::Alarm,
            due::EOF => ConnEvent::Eof,
            _ => ConnEvent::Ended(ConnEnd::from(self.end())),
        })
    }

    /// Enables a direction. Reading stays disabled after the end of stream was reported.
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

    /// Returns whether the first callback of an accepted connection has not run yet, so the application does not know
    /// of the connection.
    pub(crate) const fn is_unaccepted(&self) -> bool {
        self.has(flag::UNACCEPTED)
    }
}

impl<A> Cx<'_, A> {
    /// Prepares the next callback of the connection whose turn it is. The turn ends with the last callback. Within a
    /// turn the callbacks run in order, each at most once. A callback that becomes due again waits for the next turn,
    /// so one connection cannot prolong a pass without end.
    ///
    /// The end of stream waits for the next pass, so that the back end can first send what the callback for the earlier
    /// input has written.
    pub(crate) fn conn_fire(&mut self, index: u16) -> Option<Fired<A>> {
        let is_unaccepted = self.tables.conns.slot(index)?.is_unaccepted();
        if is_unaccepted && !self.hand_over(index) {
            return None;
        }
        let slot = self.tables.conns.slot_mut(index)?;
        let run = if self.conn_turn.index == index { self.conn_turn.run } else { 0 };
        let before = slot.turn.due();
        slot.check_due(&self.pools);
        let ready = slot.ready(&self.pools) & !run;
        let first = ready & ready.wrapping_neg();
        slot.clear_due(first);
        let mut others = ready & !first;
        match first {
            due::WRITE => slot.set_room_wanted(0),
            due::READ_TIMEOUT | due::EOF => {
                slot.disable(Direction::Read);
                others &= !due::OF_READING;
            }
            due::WRITE_TIMEOUT => {
                slot.disable(Direction::Write);
                others &= !due::OF_WRITING;
            }
            // No callback follows `ended`, even if earlier callbacks have made more callbacks due.
            due::ENDED => slot.turn.set_due(0),
            _ => {}
        }
        let left = slot.turn.due();
        let taken = before & !left;
        let eof_waits = taken & due::BEFORE_EOF != 0 && left & due::EOF != 0;
        let is_over = eof_waits || others == 0;
        let (conn, call, event) = (slot.head().handle(), slot.call, slot.event_of(first));
        // The bits of this callback and of all callbacks before it.
        let run = if is_over { 0 } else { run | first | first.wrapping_sub(1) };
        self.conn_turn = ConnTurn { index, run };
        if is_over {
            self.queues.done(&mut slot.turn);
            if left != 0 {
                self.conn_activate(index, left);
            }
        }
        if taken & due::OF_TIME != 0 {
            // A due timeout has no key in the heap of timers, so the key for the next deadline is added here.
            self.conn_arm(index);
        }
        if first == due::ENDED {
            self.conn_ended(index);
        }
        Some(Fired::Conn(call?, conn, event?))
    }

    /// Makes callbacks due. If one of them can run and the application knows the connection, queues its turn.
    pub(super) fn conn_activate(&mut self, index: u16, due: u8) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        slot.turn.add_due(due);
        let can_run = slot.ready(&self.pools) != 0;
        if can_run && !slot.turn.is_queued() && !slot.is_unaccepted() {
            self.conn_queue(index);
        }
    }

    /// Adds a connection to the queue of its priority, unless the queue contains it.
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
        if let Some(carry) = self.hooks.conn_carry
            && carry(self, index, action)
        {
            return None;
        }
        let (conn, slot) = self.tables.conns.at(index)?;
        match action {
            action::OPEN => Some(Action::Connect(conn)),
            action::TUNE if !slot.has(flag::CLOSING | flag::RELEASED) => {
                Some(Action::Tune(conn, slot.tuning()))
            }
            action::RECEIVE if slot.wants_input() => {
                if !slot.is_held() {
                    slot.input.clear();
                }
                Some(Action::Receive(conn))
            }
            action::SEND if slot.may_send() => Some(Action::Send(conn)),
            action::END => Some(Action::End(conn)),
            action::FREE => {
                self.conn_give_back(index);
                None
            }
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
