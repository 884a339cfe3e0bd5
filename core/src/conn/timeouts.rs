//! A connection's timeouts: when they begin, go on and pass (rule M5).
//!
//! Each direction has a time of its own, and both share one place in the heap of timers, which may
//! be too early: progress only moves the direction's time. When such a place comes first, it is put
//! where it belongs. So a timeout that begins again with every byte costs O(1).

use super::firing::due;
use super::{ConnSlot, Direction};
use crate::handle::Conn;
use crate::{Cx, Instant};

/// Whether a timeout that counts already starts again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Restart {
    Yes,
    No,
}

impl<A> ConnSlot<A> {
    fn until(&self, direction: Direction) -> Instant {
        let [read, write] = self.until;
        match direction {
            Direction::Read => read,
            Direction::Write => write,
        }
    }

    /// When the earlier of both timeouts passes.
    pub(crate) fn first_deadline(&self) -> Instant {
        let [read, write] = self.until;
        read.min(write)
    }

    /// Sets when a direction's timeout passes. Returns by how much the number of deadlines grew.
    fn set_until(&mut self, direction: Direction, until: Instant) -> u32 {
        let [read, write] = &mut self.until;
        let held = match direction {
            Direction::Read => read,
            Direction::Write => write,
        };
        let before = core::mem::replace(held, until);
        u32::from(until < Instant::MAX).wrapping_sub(u32::from(before < Instant::MAX))
    }

    fn timeout(&self, direction: Direction) -> u64 {
        let [read, write] = self.timeouts;
        let millis = match direction {
            Direction::Read => read,
            Direction::Write => write,
        };
        u64::from(millis).wrapping_mul(1_000)
    }
}

impl<A> Cx<'_, A> {
    /// Sets a direction's timeout anew, if it is one to count now: reading, while input is wanted and
    /// there is room for it; writing, while something is to be sent or connected. With
    /// [`Restart::No`] a timeout that counts already, or has passed, stays; else one that has passed
    /// and was not called is taken back.
    pub(super) fn conn_retime(&mut self, conn: Conn, direction: Direction, restart: Restart) {
        let Some(slot) = self.tables.conns.get_mut(conn) else { return };
        let timeout = slot.timeout(direction);
        if timeout == 0 {
            return;
        }
        let counts = match direction {
            Direction::Read => slot.wants_input() && self.rings.input_len() > slot.input.len(),
            Direction::Write => slot.has(super::slot::flag::WRITE_ENABLED) && slot.awaits_peer(),
        };
        let passed = due::timeout_of(direction);
        let stays = slot.until(direction) < Instant::MAX || slot.turn.due() & passed != 0;
        if counts && restart == Restart::No && stays {
            return;
        }
        slot.clear_due(passed);
        let until = if counts { self.now.plus(timeout) } else { Instant::MAX };
        let grown = slot.set_until(direction, until);
        let first = slot.first_deadline();
        let place = slot.alarm.deadline;
        self.armed = self.armed.wrapping_add(grown);
        self.deadline_moves(place);
        self.note_added();
        self.conn_arm(conn, first);
    }

    /// Puts a connection into the heap, or forward in it, if its first deadline is before its place.
    fn conn_arm(&mut self, conn: Conn, first: Instant) {
        let Some(slot) = self.tables.conns.get(conn) else { return };
        let stands_early = slot.alarm.is_placed() && slot.alarm.deadline <= first;
        if stands_early || first == Instant::MAX {
            return;
        }
        let sequence = self.next_sequence(first);
        if let Some(slot) = self.tables.conns.get_mut(conn) {
            (slot.alarm.deadline, slot.alarm.sequence) = (first, sequence);
        }
        let id = self.tables.conn_id(conn.slot());
        self.timers.arm(&mut self.tables, id);
    }

    /// Takes both timeouts away, and back if they have passed and were not called.
    pub(super) fn conn_untime(&mut self, conn: Conn) {
        let Some(slot) = self.tables.conns.get_mut(conn) else { return };
        slot.clear_due(due::READ_TIMEOUT | due::WRITE_TIMEOUT);
        for direction in [Direction::Read, Direction::Write] {
            let grown = slot.set_until(direction, Instant::MAX);
            self.armed = self.armed.wrapping_add(grown);
        }
        let place = slot.alarm.deadline;
        self.deadline_moves(place);
    }

    /// A deadline of the connection in a slot has passed. The direction is disabled when its turn comes
    /// (rule M7), whether there is a callback or not.
    pub(crate) fn conn_timed_out(&mut self, index: u16) {
        let now = self.now;
        for direction in [Direction::Read, Direction::Write] {
            let Some((conn, slot)) = self.tables.conns.at(index) else { return };
            if slot.until(direction) > now {
                continue;
            }
            let grown = slot.set_until(direction, Instant::MAX);
            self.armed = self.armed.wrapping_add(grown);
            slot.turn.add_due(due::timeout_of(direction));
            self.conn_activate(conn);
        }
    }
}
