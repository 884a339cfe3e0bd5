//! A connection's timeouts: when they start, restart and expire (rule M5 in `docs/from-libevent.md`).
//!
//! The slot stores the time of the last progress of each direction. Whether a timeout runs, and when it expires, is
//! computed only when needed, from the connection's current state. Both directions, the application's alarm and the
//! next connect share one key in the heap of timers. The time in the key may be earlier than the next deadline. In this
//! case the key is moved to its correct position when the key reaches the top of the heap. So restarting a timeout, for
//! example with each received byte, costs O(1).

use super::firing::due;
use super::slot::flag;
use super::{ConnSlot, Direction};
use crate::hooks::ConnAlarm;
use crate::outbox::action;
use crate::pool::Pools;
use crate::{Cx, Instant};

/// The latest possible deadline, because [`Instant::MAX`] means never.
pub(super) const LAST: Instant = Instant::from_micros(u64::MAX - 1);

impl<A> ConnSlot<A> {
    /// Returns the time when the timeout of a direction expires; [`Instant::MAX`] if the timeout does not run now. The
    /// timeout for reading runs while the connection accepts input and the input ring has room. The timeout for writing
    /// runs while a connect or output waits for the peer.
    pub(super) fn timeout_deadline(&self, direction: Direction, pools: &Pools<'_>) -> Instant {
        let ([read, write], [last_read, last_write]) = (self.timeouts, self.last_progress);
        let (runs, last, timeout) = match direction {
            Direction::Read => {
                let has_room = || self.input.len() < pools.input_len(self.rings());
                (self.wants_input() && has_room(), last_read, read)
            }
            Direction::Write => {
                // While the connection is connecting, the connect timeout applies.
                let is_connecting = !self.has(flag::OPEN | flag::CLOSING);
                let connect = self
                    .settings()
                    .filter(|_| is_connecting)
                    .map_or(0, |settings| settings.connect);
                let timeout = if connect > 0 { connect } else { write };
                (self.has(flag::WRITE_ENABLED) && self.awaits_peer(), last_write, timeout)
            }
        };
        if runs && timeout > 0 { last.plus_millis(timeout) } else { Instant::MAX }
    }

    /// Returns the earliest deadline of the timeouts and the alarm whose callbacks are not due yet; [`Instant::MAX`] if
    /// there is no deadline.
    pub(crate) fn next_deadline(&self, pools: &Pools<'_>) -> Instant {
        let mut next = self.alarm_deadline();
        let due = self.node.due();
        if due & due::READ_TIMEOUT == 0 {
            next = next.min(self.timeout_deadline(Direction::Read, pools));
        }
        if due & due::WRITE_TIMEOUT == 0 {
            next = next.min(self.timeout_deadline(Direction::Write, pools));
        }
        next
    }

    /// Returns the callbacks of the timeouts that run now and expire at `time` or earlier. Does not check whether these
    /// callbacks are already due.
    pub(super) fn expired_timeouts(&self, time: Instant, pools: &Pools<'_>) -> u8 {
        let mut expired = 0;
        if self.timeout_deadline(Direction::Read, pools) <= time {
            expired |= due::READ_TIMEOUT;
        }
        if self.timeout_deadline(Direction::Write, pools) <= time {
            expired |= due::WRITE_TIMEOUT;
        }
        expired
    }

    /// Returns the time of the alarm, or the connect time of a connection at rest; [`Instant::MAX`] if no time is set
    /// or the `alarm` callback is already due.
    pub(super) fn alarm_deadline(&self) -> Instant {
        let is_set = self.alarm_at > Instant::ZERO && self.node.due() & due::ALARM == 0;
        // After the connection has ended, `alarm_at` can be the time of the next connect. This time applies only when
        // the connection is at rest again.
        if is_set && self.is_in_use() { self.alarm_at } else { Instant::MAX }
    }

    /// Updates the alarm whose callback runs next. A periodic alarm is set to the time at which it became due plus one
    /// period. If the new time has passed too, the alarm is set to one period after `now`. So a delayed callback is not
    /// called several times in a row. A one-shot alarm is cleared.
    fn renew_alarm(&mut self, now: Instant) {
        let next = self.alarm_at.plus_millis(self.alarm_every);
        self.alarm_at = match self.alarm_every {
            0 => Instant::ZERO,
            _ if next > now => next,
            period => now.plus_millis(period),
        };
    }
}

impl<A> Cx<'_, A> {
    /// Restarts a direction's timeout, because the direction made progress or can make progress from now on. Cancels
    /// the direction's timeout callback, if it is due. A connect timeout has a function of its own,
    /// [`conn_restart_connect_timeout`](Self::conn_restart_connect_timeout).
    pub(super) fn conn_restart_timeout(&mut self, index: u16, direction: Direction) {
        let now = self.now;
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        if slot.timeouts == [0; 2] {
            return;
        }
        let [read, write] = &mut slot.last_progress;
        let timeout = match direction {
            Direction::Read => {
                *read = now;
                due::READ_TIMEOUT
            }
            Direction::Write => {
                *write = now;
                due::WRITE_TIMEOUT
            }
        };
        slot.clear_due(timeout);
        let until = slot.timeout_deadline(direction, &self.pools);
        self.conn_arm_until(index, until);
    }

    /// Restarts the connect timeout, if the connection in a slot is connecting. Cancels a due timeout callback.
    pub(super) fn conn_restart_connect_timeout(&mut self, index: u16) {
        let now = self.now;
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        if !slot.has(flag::OPEN | flag::CLOSING | flag::RELEASED) {
            let [_, write] = &mut slot.last_progress;
            *write = now;
            slot.clear_due(due::WRITE_TIMEOUT);
            self.conn_arm(index);
        }
    }

    /// Arms the timer for a connection's next deadline.
    pub(super) fn conn_arm(&mut self, index: u16) {
        let Some(slot) = self.tables.conns.slot(index) else { return };
        let until = slot.next_deadline(&self.pools);
        self.conn_arm_until(index, until);
    }

    /// Arms the timer so that the loop checks a connection's deadlines at `until` or earlier.
    fn conn_arm_until(&mut self, index: u16, until: Instant) {
        if until == Instant::MAX || self.timers.conns.expires_by(index, until) {
            return;
        }
        if until < self.due_from {
            (self.due_from, self.due_moved) = (until, true);
        }
        let alarm = self.next_alarm(until);
        self.timers.conns.arm(index, alarm);
    }

    /// Makes the callbacks of a connection's expired timeouts and alarm due. The direction of a timeout is disabled
    /// when its callback runs (rule M7).
    pub(crate) fn conn_timed_out(&mut self, index: u16) {
        let now = self.now.min(LAST);
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        if !slot.is_in_use() {
            return self.conn_close_timed_out(index);
        }
        let expired = slot.expired_timeouts(now, &self.pools);
        if let Some(alarm) = self.hooks.conn_alarm {
            alarm(self, index, ConnAlarm::Expired);
        }
        self.conn_activate(index, expired);
    }

    /// If the time of a connection's alarm has passed, makes the `alarm` callback due. For a connection at rest, the
    /// alarm is the connect time, so this function starts the connect instead. When the callback runs, updates the
    /// alarm.
    pub(super) fn conn_alarm(&mut self, index: u16, step: ConnAlarm) {
        let now = self.now.min(LAST);
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        if let ConnAlarm::Fires = step {
            return slot.renew_alarm(now);
        }
        if slot.alarm_deadline() > now {
            return;
        }
        if slot.has(flag::RESTING) {
            return self.conn_start_connect(index);
        }
        self.conn_activate(index, due::ALARM);
    }
}

impl<A> Cx<'_, A> {
    /// Starts reading from an accepted connection.
    pub(crate) fn conn_opened(&mut self, index: u16) {
        self.conn_post(index, action::RECEIVE);
        self.conn_restart_timeout(index, Direction::Read);
    }
}
