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
use crate::{Cx, Instant};

impl<A> ConnSlot<A> {
    /// Returns when a direction's timeout passes, with input rings of `input_len` bytes; [`Instant::MAX`]
    /// while it does not count. Reading counts while input is wanted and there is room for it;
    /// writing counts while a connect or output waits for the peer.
    pub(super) fn until(&self, direction: Direction, input_len: usize) -> Instant {
        let counts = match direction {
            Direction::Read => self.wants_input() && self.input.len() < input_len,
            Direction::Write => self.has(flag::WRITE_ENABLED) && self.awaits_peer(),
        };
        let ([last_read, last_write], [read, write]) = (self.last, self.timeouts);
        let (last, timeout) = match direction {
            Direction::Read => (last_read, read),
            Direction::Write => (last_write, write),
        };
        if timeout == 0 || !counts {
            return Instant::MAX;
        }
        last.plus(u64::from(timeout).wrapping_mul(1_000))
    }

    /// Returns when the next timeout passes that is not due already.
    pub(crate) fn next_deadline(&self, input_len: usize) -> Instant {
        let is_due = |timeout| self.turn.due() & timeout != 0;
        let until = |timeout, direction| match is_due(timeout) {
            true => Instant::MAX,
            false => self.until(direction, input_len),
        };
        let read = until(due::READ_TIMEOUT, Direction::Read);
        read.min(until(due::WRITE_TIMEOUT, Direction::Write)).min(self.alarm_deadline())
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
        let period = u64::from(self.alarm_every).wrapping_mul(1_000);
        let next = self.alarm_at.plus(period);
        self.alarm_at = match period {
            0 => Instant::ZERO,
            _ if next > now => next,
            _ => now.plus(period),
        };
    }

    /// Returns the callbacks of the timeouts that have passed at `now`.
    pub(super) fn timeouts_passed(&self, now: Instant, input_len: usize) -> u8 {
        let passed = |timeout, direction| {
            let until = self.until(direction, input_len);
            if until <= now && until < Instant::MAX { timeout } else { 0 }
        };
        passed(due::READ_TIMEOUT, Direction::Read) | passed(due::WRITE_TIMEOUT, Direction::Write)
    }
}

impl<A> Cx<'_, A> {
    /// Restarts a direction's timeout: it made progress, or may make some from now on.
    pub(super) fn conn_progress(&mut self, index: u16, direction: Direction) {
        let now = self.now;
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        if slot.timeouts == [0; 2] {
            return;
        }
        let [read, write] = &mut slot.last;
        match direction {
            Direction::Read => *read = now,
            Direction::Write => *write = now,
        }
        let until = slot.until(direction, self.pools.input_len(slot.pool()));
        self.conn_arm_until(index, until);
    }

    /// Makes sure that the loop looks at a connection's next deadline in time.
    pub(super) fn conn_arm(&mut self, index: u16) {
        let Some(slot) = self.tables.conns.slot(index) else { return };
        let until = slot.next_deadline(self.pools.input_len(slot.pool()));
        self.conn_arm_until(index, until);
    }

    /// Makes sure that the loop looks at a connection's deadlines at `until`.
    fn conn_arm_until(&mut self, index: u16, until: Instant) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        let stands_early = slot.alarm.is_placed() && slot.alarm.deadline <= until;
        if stands_early || until == Instant::MAX {
            return;
        }
        self.sequence = self.sequence.wrapping_add(1);
        (slot.alarm.deadline, slot.alarm.sequence) = (until, self.sequence);
        if until < self.due_from {
            (self.due_from, self.due_moved) = (until, true);
        }
        self.timers.conns.arm(&mut self.tables.conns, index);
    }

    /// Makes what has passed for the connection in a slot due. The direction of a timeout is disabled when
    /// its turn comes (rule M7), whether there is a callback or not.
    pub(crate) fn conn_timed_out(&mut self, index: u16) {
        let now = self.now;
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        if !slot.is_held() {
            return self.conn_close_timed_out(index);
        }
        let passed = slot.timeouts_passed(now, self.pools.input_len(slot.pool()));
        let alarm = slot.alarm_deadline();
        if alarm <= now
            && alarm < Instant::MAX
            && let Some(alarm) = self.hooks.conn_alarm
        {
            alarm(self, index);
        }
        self.conn_activate(index, passed);
    }

    /// Makes the alarm of a connection due, or connects one that is at rest.
    pub(super) fn conn_alarm_due(&mut self, index: u16) {
        let now = self.now;
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
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
