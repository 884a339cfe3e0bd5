//! Makes the callbacks of a connection due, and runs them.

use super::{Number, due};
use crate::{differences::Switch, model::Model, program::bits};

impl Model {
    /// Makes callbacks due, and queues the connection if one of its callbacks can run.
    pub(in crate::model) fn conn_due(&mut self, number: Number, due: u8) {
        let conn = &mut self.conns[number];
        conn.due |= due;
        let call = conn.call;
        if self.next_due(number, 0) != 0 && !self.events[call].queued {
            self.activate(call, 0, None);
        }
    }

    /// Returns the first due callback that is not held back and is not in `run`, or 0 if there is none.
    fn next_due(&self, number: Number, run: u8) -> u8 {
        let conn = &self.conns[number];
        let mut left = conn.due & !run;
        if !self.has_output_room(number) {
            left &= !(due::READ | due::EOF);
        }
        if self.ours(Switch::HeldBackInput) && conn.input < conn.low_input {
            left &= !due::READ;
        }
        if self.ours(Switch::DueChecked) {
            if conn.enabled & bits::READ == 0 {
                left &= !(due::READ | due::READ_TIMEOUT | due::EOF);
            }
            if conn.enabled & bits::WRITE == 0 {
                left &= !(due::WRITE | due::WRITE_TIMEOUT);
            }
            if !self.has_room_wanted(number) {
                left &= !due::WRITE;
            }
            if conn.input == 0 {
                left &= !due::READ;
            }
        }
        left & left.wrapping_neg()
    }

    /// Runs the next due callback of the connection at the front of the queue. Returns `false` if no callback can run.
    pub(in crate::model) fn conn_fire(&mut self, number: Number) -> bool {
        let run = if self.conn_progress.0 == number { self.conn_progress.1 } else { 0 };
        let before = self.conns[number].due;
        if self.ours(Switch::DueChecked) {
            self.cancel_outdated(number);
        }
        let mut first = self.next_due(number, run);
        if first & due::EVENTS != 0 && !self.ours(Switch::OneMask) {
            first = self.conns[number].due & due::EVENTS;
        }
        self.begin_call(number, first);
        let left = self.conns[number].due;
        let run = run | first | first.saturating_sub(1);
        let end_waits = before & !left & due::READ != 0 && left & due::EOF != 0;
        let is_over = end_waits || self.next_due(number, run) == 0;
        self.conn_progress = (number, if is_over { 0 } else { run });
        if is_over {
            let call = self.conns[number].call;
            self.dequeue(call);
            if let Some(slot) = self.events[call].slot {
                self.last_pass[slot] = self.pass;
            }
            self.conns[number].due = 0;
            if left != 0 {
                self.conn_due(number, left);
            }
        }
        if first != 0 {
            self.call_conn(number, first);
        }
        if first == due::READ && !self.ours(Switch::FullInput) {
            let conn = &self.conns[number];
            let is_full = conn.input >= conn.high_input && conn.input >= conn.low_input;
            if is_full && conn.enabled & bits::READ != 0 {
                self.conn_due(number, due::READ);
            }
        }
        first != 0
    }

    /// Cancels callbacks whose reason no longer holds.
    fn cancel_outdated(&mut self, number: Number) {
        let passed = self.expired_timeouts(number);
        let conn = &mut self.conns[number];
        conn.due &= !due::TIMEOUTS | passed;
        if conn.input == 0 {
            conn.due &= !due::READ;
        }
    }

    fn begin_call(&mut self, number: Number, what: u8) {
        let conn = &mut self.conns[number];
        conn.due &= !what;
        if what & (due::READ_TIMEOUT | due::EOF) != 0 {
            conn.enabled &= !bits::READ;
        }
        if what & due::WRITE_TIMEOUT != 0 {
            conn.enabled &= !bits::WRITE;
        }
        if what == due::WRITE {
            conn.room_wanted = 0;
        }
        if what == due::ENDED {
            (conn.due, conn.gone, conn.end_reported) = (0, true, true);
            self.on_end_reported(number);
        }
    }
}
