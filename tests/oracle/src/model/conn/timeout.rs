//! The timeouts of a connection. Each timeout counts from the last progress of its direction.

use super::{Number, READ, WRITE, due};
use crate::model::Model;

impl Model {
    pub(super) fn progress(&mut self, number: Number, direction: usize) {
        self.conns[number].last[direction] = self.now();
    }

    /// Returns the time at which a direction's timeout expires, if the timeout is active.
    pub(super) fn expiry(&self, number: Number, direction: usize) -> Option<u64> {
        let conn = &self.conns[number];
        let counts = match direction {
            READ => self.wants_input(number),
            _ => self.may_send(number),
        };
        let timeout = conn.timeouts[direction];
        (counts && timeout > 0).then(|| conn.last[direction] + timeout)
    }

    pub(super) fn expired_timeouts(&self, number: Number) -> u8 {
        let passed = |direction| self.expiry(number, direction).is_some_and(|at| at <= self.now());
        let read = if passed(READ) { due::READ_TIMEOUT } else { 0 };
        read | if passed(WRITE) { due::WRITE_TIMEOUT } else { 0 }
    }

    /// Returns the time of the first timeout whose callback is not due yet, or `None` if there is no such timeout.
    pub(in crate::model) fn first_conn_timeout(&self) -> Option<u64> {
        let each = |number: Number| {
            let due = self.conns[number].due;
            let read = self.expiry(number, READ).filter(|_| due & due::READ_TIMEOUT == 0);
            let write = self.expiry(number, WRITE).filter(|_| due & due::WRITE_TIMEOUT == 0);
            read.into_iter().chain(write).min()
        };
        (0..self.conns.len()).filter_map(each).min()
    }

    /// Makes the callbacks of expired timeouts due.
    pub(in crate::model) fn expire_conns(&mut self) {
        for number in 0..self.conns.len() {
            let passed = self.expired_timeouts(number);
            if passed & !self.conns[number].due != 0 {
                self.conn_due(number, passed);
            }
        }
    }
}
