//! A connection's timeouts: when they begin, go on and pass (rule M5).
//!
//! Each direction keeps the time of its last progress. Whether its timeout counts, and when it passes,
//! is computed only when it is needed, from the connection's state at that time. Both directions share
//! one key in the heap of timers, which may be too early: when it comes first, it is moved to its
//! right place. So a timeout that begins again with every byte costs O(1).

use super::firing::due;
use super::slot::flag;
use super::{ConnSlot, Direction};
use crate::handle::Conn;
use crate::{Cx, Instant};

const DIRECTIONS: [Direction; 2] = [Direction::Read, Direction::Write];

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
        let waiting = |direction: &Direction| self.turn.due() & due::timeout_of(*direction) == 0;
        let until = |direction| self.until(direction, input_len);
        DIRECTIONS.into_iter().filter(waiting).map(until).fold(Instant::MAX, Instant::min)
    }
}

impl<A> Cx<'_, A> {
    /// Restarts a direction's timeout: it made progress, or may make some from now on.
    pub(super) fn conn_progress(&mut self, conn: Conn, direction: Direction) {
        let (now, input_len) = (self.now, self.rings.input_len());
        let Some(slot) = self.tables.conns.get_mut(conn) else { return };
        if slot.timeouts == [0; 2] {
            return;
        }
        let [read, write] = &mut slot.last;
        match direction {
            Direction::Read => *read = now,
            Direction::Write => *write = now,
        }
        let until = slot.until(direction, input_len);
        let stands_early = slot.alarm.is_placed() && slot.alarm.deadline <= until;
        if stands_early || until == Instant::MAX {
            return;
        }
        let sequence = self.next_sequence(until);
        if let Some(slot) = self.tables.conns.get_mut(conn) {
            (slot.alarm.deadline, slot.alarm.sequence) = (until, sequence);
        }
        let id = self.tables.conn_id(conn.slot());
        self.timers.arm(&mut self.tables, id);
    }

    /// Makes the passed timeouts of the connection in a slot due. The direction is disabled when its turn
    /// comes (rule M7), whether there is a callback or not.
    pub(crate) fn conn_timed_out(&mut self, index: u16) {
        let (now, input_len) = (self.now, self.rings.input_len());
        let Some((conn, slot)) = self.tables.conns.at(index) else { return };
        for direction in DIRECTIONS {
            if slot.until(direction, input_len) <= now {
                slot.turn.add_due(due::timeout_of(direction));
            }
        }
        self.conn_activate(conn);
    }
}
