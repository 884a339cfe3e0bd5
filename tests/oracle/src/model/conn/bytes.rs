//! The functions of a connection that an application calls, and the transfer of bytes.

use super::{Conn, DIRECTIONS, Number, READ, WRITE, due};
use crate::{
    differences::Switch,
    model::{Model, pair::action},
    program::{FIRST_CONN, OUTPUT, SOURCES, bits, socket},
    world::Received,
};

impl Model {
    pub(super) fn write(&mut self, number: Number, amount: usize) -> bool {
        let bound = self.ours(Switch::OutputBound);
        let conn = &mut self.conns[number];
        if conn.is_finished() || (bound && conn.output + amount > conn.high_output) {
            return false;
        }
        conn.output += amount;
        if amount > 0 && conn.output == amount {
            self.progress(number, WRITE);
        }
        if amount > 0 {
            self.add_pending(number, action::SEND);
        }
        true
    }

    pub(super) fn write_some(&mut self, number: Number, amount: usize) -> usize {
        let Conn { output, high_output, .. } = self.conns[number];
        let room =
            if self.conns[number].is_finished() { 0 } else { high_output.saturating_sub(output) };
        let amount = if self.ours(Switch::OutputBound) { amount.min(room) } else { amount };
        self.write(number, amount);
        amount
    }

    pub(super) fn wait_for_room(&mut self, number: Number, room: usize) {
        if !self.ours(Switch::RoomOnce) {
            self.conns[number].low_mark = OUTPUT.saturating_sub(room);
        } else if !self.conns[number].is_finished() {
            self.conns[number].room_wanted = room.clamp(1, self.conns[number].high_output);
            if self.has_room_wanted(number) {
                self.conn_due(number, due::WRITE);
            }
        }
    }

    /// Returns whether there is a reason for the write callback: the requested space is free. If no space is requested:
    /// the output is not above its low mark.
    pub(super) fn has_room_wanted(&self, number: Number) -> bool {
        let conn = &self.conns[number];
        let room = conn.high_output.saturating_sub(conn.output);
        match conn.room_wanted {
            0 => conn.output <= conn.low_mark,
            wanted => room >= wanted,
        }
    }

    pub(super) fn consume(&mut self, number: Number, amount: usize) {
        let was_full = self.conns[number].input >= self.conns[number].high_input;
        self.conns[number].input -= amount;
        if amount > 0 {
            self.add_pending(number, action::RECEIVE);
        }
        if amount > 0 && (was_full || !self.ours(Switch::ConsumeRestarts)) {
            self.progress(number, READ);
        }
    }

    pub(super) fn enable(&mut self, number: Number, what: u8) {
        let (once, quiet) = (self.ours(Switch::EndOnce), self.ours(Switch::NothingToWrite));
        let conn = &mut self.conns[number];
        let mut allowed = what;
        if conn.ended && conn.due & due::EOF == 0 {
            conn.ended = once;
            allowed &= if once { !bits::READ } else { !0 };
        }
        conn.enabled |= allowed;
        conn.probes |= what & bits::WRITE != 0 && !quiet;
        for (direction, _) in DIRECTIONS.iter().filter(|(_, bit)| what & bit != 0) {
            self.add_pending(number, [action::RECEIVE, action::SEND][*direction]);
            self.progress(number, *direction);
        }
        self.conn_due(number, 0);
    }

    pub(super) fn set_marks(&mut self, number: Number, what: u8, low: usize, high: usize) -> bool {
        let Conn { input, output, .. } = self.conns[number];
        let held = if what == bits::READ { input } else { output };
        if self.ours(Switch::MarksRefused) && (low > high || held > high) {
            return false;
        }
        let conn = &mut self.conns[number];
        if what == bits::READ {
            (conn.low_input, conn.high_input) = (low, high);
        } else {
            (conn.low_mark, conn.high_output) = (low, high);
        }
        if self.ours(Switch::ConnPass) {
            self.add_pending(number, action::RECEIVE);
            self.conn_due(number, 0);
        } else if what == bits::READ {
            self.bev_input_changed(number);
        }
        true
    }

    pub(super) fn abort(&mut self, number: Number) {
        let Conn { call, ended, output, failed, .. } = self.conns[number];
        let is_complete = ended && output == 0 && !failed;
        self.dequeue(call);
        let conn = &mut self.conns[number];
        (conn.gone, conn.due, conn.output) = (true, 0, 0);
        conn.end = if conn.failed { "reset" } else { "aborted" };
        if self.ours(Switch::EndReported) {
            self.conn_due(number, due::ENDED);
        } else {
            self.conns[number].end_reported = true;
        }
        self.abort_end(number, is_complete);
    }

    /// Sets the interest of each connection's virtual socket: whether the connection waits to read, and whether it
    /// waits to write.
    pub(in crate::model) fn set_interest(&mut self) {
        for number in 0..self.conns.len() {
            if self.conns[number].pair.is_some() {
                continue;
            }
            let conn = &self.conns[number];
            let read = if self.wants_input(number) { bits::READ } else { 0 };
            let probes = conn.probes && conn.enabled & bits::WRITE != 0;
            let write = if self.may_send(number) || probes { bits::WRITE } else { 0 };
            self.world.sockets[socket(conn.id)].interest = read | write;
        }
    }

    /// Moves the bytes of a socket that was reported as ready. Calls no callback.
    pub(in crate::model) fn conn_ready(&mut self, source: u8, what: u8) {
        let id = FIRST_CONN + usize::from(source) - SOURCES;
        let Some(number) = self.conns.iter().position(|conn| usize::from(conn.id) == id) else {
            return;
        };
        if what & bits::READ != 0 {
            self.receive(number);
        }
        if what & bits::WRITE != 0 && self.may_send(number) {
            self.send(number);
        } else if what & bits::WRITE != 0 && std::mem::take(&mut self.conns[number].probes) {
            self.conn_due(number, due::WRITE);
        }
    }

    pub(super) fn receive(&mut self, number: Number) {
        while self.wants_input(number) {
            let Conn { id, input, high_input, .. } = self.conns[number];
            match self.world.sockets[socket(id)].read(high_input - input) {
                Received::Bytes(amount) => self.received(number, amount),
                Received::Nothing => return,
                Received::End => {
                    self.conns[number].ended = true;
                    return self.conn_due(number, due::EOF);
                }
                Received::Reset => return self.fail(number, READ),
            }
        }
    }

    pub(super) fn send(&mut self, number: Number) {
        let Conn { id, output, .. } = self.conns[number];
        match self.world.sockets[socket(id)].write(output) {
            Some(amount) => self.sent(number, amount),
            None => self.fail(number, WRITE),
        }
    }

    pub(in crate::model) fn received(&mut self, number: Number, amount: usize) {
        let conn = &mut self.conns[number];
        conn.input += amount;
        let is_enough = conn.input >= conn.low_input;
        if self.ours(Switch::HeldBackInput) || is_enough {
            self.conn_due(number, due::READ);
        }
        self.progress(number, READ);
    }

    pub(in crate::model) fn sent(&mut self, number: Number, amount: usize) {
        let input = self.conns[number].input;
        let had_room = self.has_output_room(number);
        self.conns[number].output -= amount;
        self.drained(number);
        let found_room = !had_room && self.has_output_room(number);
        let write = if self.has_room_wanted(number) { due::WRITE } else { 0 };
        let read = if found_room && input > 0 { due::READ } else { 0 };
        if write | read != 0 || found_room {
            self.conn_due(number, write | read);
        }
        self.progress(number, WRITE);
    }

    pub(in crate::model) fn fail(&mut self, number: Number, direction: usize) {
        let whole = self.ours(Switch::Failure);
        let is_written = self.has_room_wanted(number);
        let conn = &mut self.conns[number];
        if whole {
            if !is_written {
                conn.due &= !due::WRITE;
            }
            (conn.failed, conn.output, conn.room_wanted, conn.end) = (true, 0, 0, "reset");
            return self.conn_due(number, due::ENDED);
        }
        conn.enabled &= !DIRECTIONS[direction].1;
        self.conn_due(number, [due::READ_ERROR, due::WRITE_ERROR][direction]);
    }
}
