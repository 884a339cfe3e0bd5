//! Chooses which due callback of a connection runs next. When a connection is at the front of its queue, the due
//! callbacks of the connection run one after the other, each at most once, before the next slot of the queue runs.
//!
//! Each due callback is a bit in the slot's [`Node`](crate::queue::Node). Before a callback is called, its reason is
//! checked again. The callback is cancelled if the reason no longer holds. A callback whose direction is disabled
//! waits.

use super::slot::flag;
use super::timeouts::LAST;
use super::{ConnEnd, ConnEvent, ConnSlot, Direction};
use crate::hooks::ConnAlarm;
use crate::outbox::{Action, action};
use crate::pool::Pools;
use crate::table::Slot;
use crate::{Cx, Fired};

/// Callbacks that are due, in the order in which they run (rule R2 in `docs/from-libevent.md`).
pub(super) mod due {
    pub(in crate::conn) const OPENED: u8 = 1 << 0;
    pub(in crate::conn) const READ: u8 = 1 << 1;
    pub(in crate::conn) const WRITE: u8 = 1 << 2;
    pub(in crate::conn) const READ_TIMEOUT: u8 = 1 << 3;
    pub(in crate::conn) const WRITE_TIMEOUT: u8 = 1 << 4;
    pub(in crate::conn) const ALARM: u8 = 1 << 5;
    pub(in crate::conn) const EOF: u8 = 1 << 6;
    pub(in crate::conn) const ENDED: u8 = 1 << 7;

    /// After one of these callbacks, `eof` does not run in the same pass. It runs in the next pass.
    pub(super) const DELAY_EOF: u8 = READ | OPENED;
    pub(super) const TIMEOUTS: u8 = READ_TIMEOUT | WRITE_TIMEOUT;
    /// Callbacks of timers.
    pub(super) const TIMERS: u8 = TIMEOUTS | ALARM;
    /// Callbacks that wait until reading is enabled.
    pub(super) const NEED_READING: u8 = READ | READ_TIMEOUT | EOF;
    /// Callbacks that wait until writing is enabled.
    pub(super) const NEED_WRITING: u8 = WRITE | WRITE_TIMEOUT;
    /// Callbacks that wait until there is room for an answer.
    pub(in crate::conn) const NEED_ANSWER_ROOM: u8 = READ | EOF;
    /// Callbacks that wait for room in the output.
    pub(super) const NEED_ROOM: u8 = NEED_ANSWER_ROOM | WRITE;
}

/// The connection whose callbacks run now, and the callbacks that have already run.
pub(crate) struct ConnProgress {
    index: u16,
    /// The callbacks that must not run again in this pass: the callbacks that have run, and the callbacks before these
    /// in the order of the bits.
    ran: u8,
}

impl ConnProgress {
    pub(crate) const NONE: Self = Self { index: 0, ran: 0 };
}

impl<A> ConnSlot<A> {
    /// Returns the due callbacks that can run now.
    fn ready(&self, pools: &Pools<'_>) -> u8 {
        let mut due = self.node.due() & (self.due_with_room(pools) | !due::NEED_ROOM);
        if !self.has_input_wanted() {
            due &= !due::READ;
        }
        if !self.has(flag::READ_ENABLED) {
            due &= !due::NEED_READING;
        }
        if !self.has(flag::WRITE_ENABLED) {
            due &= !due::NEED_WRITING;
        }
        due
    }

    /// Cancels due callbacks.
    pub(super) const fn clear_due(&mut self, due: u8) {
        self.node.set_due(self.node.due() & !due);
    }

    /// Cancels due callbacks whose reason no longer holds.
    fn check_due(&mut self, pools: &Pools<'_>) {
        if self.node.due() & due::TIMEOUTS != 0 {
            self.clear_due(due::TIMEOUTS & !self.expired_timeouts(LAST, pools));
        }
        if self.input.len() == 0 {
            self.clear_due(due::READ);
        }
    }

    /// Returns the event that is reported to the callback `due`; `None` if `due` is zero.
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

    /// Enables a direction. Reading stays disabled after the peer's end of stream was reported to the application.
    pub(super) fn enable(&mut self, direction: Direction) {
        match direction {
            Direction::Read => {
                let open = !self.has(flag::EOF) || self.node.due() & due::EOF != 0;
                self.node.set(flag::READ_ENABLED, open);
            }
            Direction::Write => self.node.set(flag::WRITE_ENABLED, true),
        }
    }

    pub(super) const fn disable(&mut self, direction: Direction) {
        match direction {
            Direction::Read => self.node.set(flag::READ_ENABLED, false),
            Direction::Write => self.node.set(flag::WRITE_ENABLED, false),
        }
    }

    /// Returns whether the first callback of an accepted connection is still to run. Until then the application does
    /// not know the connection.
    pub(crate) const fn is_unaccepted(&self) -> bool {
        self.has(flag::UNACCEPTED)
    }
}

impl<A> Cx<'_, A> {
    /// Prepares the next callback of the connection at the front of the queue. The connection leaves the front after
    /// its last due callback. Until then, the due callbacks run in order, each at most once. A callback that becomes
    /// due again runs in the next pass, so one connection cannot prolong a pass without end.
    ///
    /// After `readable` or `opened`, the callback `eof` waits for the next pass. In between, the back end can send what
    /// the earlier callback has written.
    pub(crate) fn conn_fire(&mut self, index: u16) -> Option<Fired<A>> {
        let is_unaccepted = self.tables.conns.slot(index)?.is_unaccepted();
        if is_unaccepted && !self.conn_open_accepted(index) {
            return None;
        }
        let slot = self.tables.conns.slot_mut(index)?;
        let ran = if self.conn_progress.index == index { self.conn_progress.ran } else { 0 };
        let before = slot.node.due();
        slot.check_due(&self.pools);
        let ready = slot.ready(&self.pools) & !ran;
        let first = ready & ready.wrapping_neg();
        slot.clear_due(first);
        let mut others = ready & !first;
        match first {
            due::WRITE => slot.set_room_wanted(0),
            due::READ_TIMEOUT | due::EOF => {
                slot.disable(Direction::Read);
                others &= !due::NEED_READING;
            }
            due::WRITE_TIMEOUT => {
                slot.disable(Direction::Write);
                others &= !due::NEED_WRITING;
            }
            // `ended` is the last callback. All other due callbacks are cancelled.
            due::ENDED => slot.node.set_due(0),
            _ => {}
        }
        let left = slot.node.due();
        let cleared = before & !left;
        let eof_waits = cleared & due::DELAY_EOF != 0 && left & due::EOF != 0;
        let is_over = eof_waits || others == 0;
        let (conn, call, event) = (slot.head().handle(), slot.call, slot.event_of(first));
        // This callback and all callbacks before it in the order must not run again in this pass.
        let ran = if is_over { 0 } else { ran | first | first.wrapping_sub(1) };
        self.conn_progress = ConnProgress { index, ran };
        if is_over {
            self.queues.done(&mut slot.node);
            if left != 0 {
                self.conn_activate(index, left);
            }
        }
        if first == due::ALARM
            && let Some(alarm) = self.hooks.conn_alarm
        {
            alarm(self, index, ConnAlarm::Fires);
        }
        if cleared & due::TIMERS != 0 {
            // The heap of timers has no key for a timeout or alarm while its callback is due. The callback is no longer
            // due, so the key for the next deadline is added here.
            self.conn_arm(index);
        }
        if first == due::ENDED {
            self.conn_ended(index);
        }
        Some(Fired::Conn(call?, conn, event?))
    }

    /// Makes callbacks of a connection due. Queues the connection's slot if a due callback can run. Does not queue an
    /// accepted connection whose first callback has not run yet.
    pub(super) fn conn_activate(&mut self, index: u16, due: u8) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        slot.node.add_due(due);
        let can_run = slot.ready(&self.pools) != 0;
        if can_run && !slot.node.is_queued() && !slot.is_unaccepted() {
            self.conn_queue(index);
        }
    }

    /// Adds a connection to the queue of its priority, unless the connection is already in the queue.
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
        if let Some(act) = self.hooks.conn_act
            && act(self, index, action)
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
                if !slot.is_in_use() {
                    slot.input.clear();
                }
                Some(Action::Receive(conn))
            }
            action::SEND if slot.may_send() => Some(Action::Send(conn)),
            action::END => Some(Action::End(conn)),
            action::FREE => {
                self.conn_free(index);
                None
            }
            action::CLOSE => {
                self.conn_free(index);
                Some(Action::Close(conn))
            }
            action::RESET => {
                self.conn_free(index);
                Some(Action::Reset(conn))
            }
            _ => None,
        }
    }
}
