//! A connection's timeouts: when they begin, go on and pass (rule M5).
//!
//! Each direction keeps the time of its last progress. Whether its timeout counts, and when it passes,
//! is computed only when it is needed, from the connection's state at that time. Both directions, the
//! application's alarm and the time of the next connect share one key in the heap of timers, which may
//! be too early: when it comes first, it is moved to its right place. So a timeout that begins again
//! with every byte costs O(1).

use super::firing::due;
use super::slot::flag;
use super::{ConnSlot, Direction};
use crate::outbox::action;
use crate::pool::Pools;
use crate::{Cx, Instant};

/// The last time at which anything is due: [`Instant::MAX`] means never.
pub(super) const LAST: Instant = Instant::from_micros(u64::MAX - 1);

impl<A> ConnSlot<A> {
    /// Returns when the timeout of a direction passes, if it counts; [`Instant::MAX`] otherwise. Reading counts while
    /// input is wanted and there is room for it; writing counts while a connect or output waits for the peer.
    pub(super) fn until(&self, direction: Direction, pools: &Pools<'_>) -> Instant {
        let ([read, write], [last_read, last_write]) = (self.timeouts, self.last);
        let (counts, last, timeout) = match direction {
            Direction::Read => {
                let has_room = || self.input.len() < pools.input_len(self.rings());
                (self.wants_input() && has_room(), last_read, read)
            }
            Direction::Write => {
                // While it is connecting, the timeout for that.
                let connects = !self.has(flag::OPEN | flag::CLOSING);
                let connect = self.settings().filter(|_| connects).map_or(0, |set| set.connect);
                let timeout = if connect > 0 { connect } else { write };
                (self.has(flag::WRITE_ENABLED) && self.awaits_peer(), last_write, timeout)
            }
        };
        if counts && timeout > 0 { last.plus_millis(timeout) } else { Instant::MAX }
    }

    /// Returns when the next timeout passes that is not due already; [`Instant::MAX`] for never.
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

    /// Returns the callbacks of the timeouts that count and pass by a time, due or not.
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

    /// Returns when the alarm is due, or a connection at rest connects; [`Instant::MAX`] for never.
    pub(super) fn alarm_deadline(&self) -> Instant {
        let is_set = self.alarm_at > Instant::ZERO && self.turn.due() & due::ALARM == 0;
        // After a close, it is the time of the next connect, which counts from the rest on.
        if is_set && self.is_held() { self.alarm_at } else { Instant::MAX }
    }

    /// Sets the alarm, which is due at `now`, for the next time, if it comes again: a period later, or a period
    /// from now when more than one has passed.
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
    /// Restarts a direction's timeout: it made progress, or may make some from now on. One that is due is
    /// taken back.
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

    /// Makes sure that the loop looks at a connection's next deadline in time.
    pub(super) fn conn_arm(&mut self, index: u16) {
        let Some(slot) = self.tables.conns.slot(index) else { return };
        let until = slot.next_deadline(&self.pools);
        self.conn_arm_until(index, until);
    }

    /// Makes sure that the loop looks at a connection's deadlines at `until`.
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

    /// Makes what has passed for the connection in a slot due. The direction of a timeout is disabled when
    /// its turn comes (rule M7), whether there is a callback or not.
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

    /// If the alarm of a connection is due, reports it, or connects one that is at rest.
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
        // Its key was taken out of the heap while the alarm was due.
        self.conn_arm(index);
    }
}

impl<A> Cx<'_, A> {
    /// Lets a connection that was accepted begin to read.
    pub(crate) fn conn_opened(&mut self, index: u16) {
        self.conn_post(index, action::RECEIVE);
        self.conn_progress(index, Direction::Read);
    }
}
