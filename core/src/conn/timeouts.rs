//! A connection's timeouts: when they start, restart and expire (rule M5).
//!
//! The slot stores the time of the last progress of each direction. Whether a timeout runs, and when it expires, is
//! computed only when needed, from the connection's current state. Both directions, the application's alarm and the
//! next connect share one key in the heap of timers. The key may be too early: when it reaches the top of the heap, it
//! is moved to its correct position. So a timeout that restarts with every byte costs O(1).

use super::firing::due;
use super::slot::flag;
use super::{ConnSlot, Direction};
use crate::outbox::action;
use crate::pool::Pools;
use crate::{Cx, Instant};

/// The latest possible deadline, because [`Instant::MAX`] means never.
pub(super) const LAST: Instant = Instant::from_micros(u64::MAX - 1);

impl<A> ConnSlot<A> {
    /// Returns the time when the timeout of a direction expires; [`Instant::MAX`] if the timeout does not run now. The
    /// timeout for reading runs while input is wanted and the ring has room for it. The timeout for writing runs while
    /// a connect or output waits for the peer.
    pub(super) fn until(&self, direction: Direction, pools: &Pools<'_>) -> Instant {
        let ([read, write], [last_read, last_write]) = (self.timeouts, self.last);
        let (counts, last, timeout) = match direction {
            Direction::Read => {
                let has_room = || self.input.len() < pools.input_len(self.rings());
                (self.wants_input() && has_room(), last_read, read)
            }
            Direction::Write => {
                // While the connection is connecting, the connect timeout applies.
                let connects = !self.has(flag::OPEN | flag::CLOSING);
                let connect = self.settings().filter(|_| connects).map_or(0, |set| set.connect);
                let timeout = if connect > 0 { connect } else { write };
                (self.has(flag::WRITE_ENABLED) && self.awaits_peer(), last_write, timeout)
            }
        };
        if counts && timeout > 0 { last.plus_millis(timeout) } else { Instant::MAX }
    }

    /// Returns the next deadline of a timeout or alarm that is not due already; [`Instant::MAX`] for never.
    pub(crate) fn next_deadline(&self, pools: &Pools<'_>) -> Instant {
        let mut next = self.alarm_deadline();
        let due = self.turn.due();
        if due & due::READ_TIMEOUT == 0 {
            next = next.min(self.until(Direction::Read, pools));
        }
        if due & due::WRITE_TIMEOUT == 0 {
            next = next.min(self.until(Direction::Write, pools));
        }
        next
    }

    /// Returns the callbacks of the timeouts that run and expire by `time`, also callbacks that are due already.
    pub(super) fn passed_by(&self, time: Instant, pools: &Pools<'_>) -> u8 {
        let mut passed = 0;
        if self.until(Direction::Read, pools) <= time {
            passed |= due::READ_TIMEOUT;
        }
        if self.until(Direction::Write, pools) <= time {
            passed |= due::WRITE_TIMEOUT;
        }
        passed
    }

    /// Returns the time of the alarm, or the connect time of a connection at rest; [`Instant::MAX`] for never.
    pub(super) fn alarm_deadline(&self) -> Instant {
        let is_set = self.alarm_at > Instant::ZERO && self.turn.due() & due::ALARM == 0;
        // After a close, `alarm_at` is the time of the next connect, which applies once the connection is at rest.
        if is_set && self.is_held() { self.alarm_at } else { Instant::MAX }
    }

    /// Called when the alarm is due. Sets a periodic alarm to its next time: one period after its last time, or one
    /// period after `now` if that time has passed too. Clears a one-shot alarm.
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
    /// Restarts a direction's timeout, because the direction made progress or can make progress from now on. Cancels a
    /// due timeout callback.
    pub(super) fn conn_progress(&mut self, index: u16, direction: Direction) {
        let now = self.now;
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        if slot.timeouts == [0; 2] {
            return;
        }
        let [read, write] = &mut slot.last;
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
        let until = slot.until(direction, &self.pools);
        self.conn_arm_until(index, until);
    }

    /// Arms the timer for a connection's next deadline.
    pub(super) fn conn_arm(&mut self, index: u16) {
        let Some(slot) = self.tables.conns.slot(index) else { return };
        let until = slot.next_deadline(&self.pools);
        self.conn_arm_until(index, until);
    }

    /// Arms the timer so that the loop checks a connection's deadlines by `until`.
    fn conn_arm_until(&mut self, index: u16, until: Instant) {
        if until == Instant::MAX || self.timers.conns.comes_by(index, until) {
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
        if !slot.is_held() {
            return self.conn_close_timed_out(index);
        }
        let passed = slot.passed_by(now, &self.pools);
        if let Some(alarm) = self.hooks.conn_alarm {
            alarm(self, index);
        }
        self.conn_activate(index, passed);
    }

    /// If the alarm of a connection is due, reports it, or starts the connect of a connection at rest.
    pub(super) fn conn_alarm_due(&mut self, index: u16) {
        let now = self.now.min(LAST);
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        if slot.alarm_deadline() > now {
            return;
        }
        if slot.has(flag::RESTING) {
            return self.conn_call(index);
        }
        slot.renew_alarm(now);
        self.conn_activate(index, due::ALARM);
        // The connection's key was taken out of the heap while the alarm was due.
        self.conn_arm(index);
    }
}

impl<A> Cx<'_, A> {
    /// Starts reading from an accepted connection.
    pub(crate) fn conn_opened(&mut self, index: u16) {
        self.conn_post(index, action::RECEIVE);
        self.conn_progress(index, Direction::Read);
    }
}
