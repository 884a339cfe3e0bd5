//! The model of picoevent's connections. Bytes move before a pass, and the callbacks of a connection run one after the
//! other in a pass.
//!
//! If [`Switch::ConnPass`] is at libevent's side, [`bufferevent`](super::bufferevent) models a connection as a
//! bufferevent. The other switches for connections select between behaviours in this file and its submodules.

mod bytes;
mod firing;
mod timeout;

use super::{Event, EventIndex, Model, Owner};
use crate::{
    differences::Switch,
    program::{ConnDecl, INPUT, Id, MOST_CALLS, OUTPUT, Op, WaitsFor, bits, socket_source},
};

/// Callbacks that are due, one bit for each. Lower bits run first.
pub(super) mod due {
    pub const READ: u8 = 1 << 0;
    pub const WRITE: u8 = 1 << 1;
    pub const READ_TIMEOUT: u8 = 1 << 2;
    pub const WRITE_TIMEOUT: u8 = 1 << 3;
    pub const EOF: u8 = 1 << 4;
    /// An error of one direction. Only libevent has this callback.
    pub const READ_ERROR: u8 = 1 << 5;
    pub const WRITE_ERROR: u8 = 1 << 6;
    pub const ENDED: u8 = 1 << 7;

    /// The callbacks that libevent reports in one mask.
    pub const EVENTS: u8 = READ_TIMEOUT | WRITE_TIMEOUT | EOF | READ_ERROR | WRITE_ERROR;
    pub const READING: u8 = READ_TIMEOUT | EOF | READ_ERROR;
    pub const WRITING: u8 = WRITE_TIMEOUT | WRITE_ERROR;
    pub const TIMEOUTS: u8 = READ_TIMEOUT | WRITE_TIMEOUT;
    pub const ERRORS: u8 = READ_ERROR | WRITE_ERROR;
}

/// The directions. `DIRECTIONS` has the index and the condition of each direction.
pub(super) const READ: usize = 0;
pub(super) const WRITE: usize = 1;
pub(super) const DIRECTIONS: [(usize, u8); 2] = [(READ, bits::READ), (WRITE, bits::WRITE)];

/// A connection's index in [`Model::conns`].
pub(super) type Number = usize;

pub(super) struct Conn {
    pub id: Id,
    /// The number of buffered bytes.
    pub input: usize,
    pub output: usize,
    pub enabled: u8,
    /// The timeouts of the directions in milliseconds. Zero means no timeout.
    pub timeouts: [u64; 2],
    pub due: u8,
    /// The connection's entry in the queue of its priority. In libevent, this entry is the deferred callback.
    pub call: EventIndex,
    /// Whether the application no longer has the connection.
    pub gone: bool,

    /// The time at which each direction last made progress or began to wait.
    last: [u64; 2],
    /// Whether the peer's end of stream was found.
    pub ended: bool,
    pub failed: bool,
    /// The reason for the end of the connection, after it has ended.
    end: &'static str,
    /// Whether the callback for the end of the connection has run.
    pub end_reported: bool,
    /// Whether the write callback is called as soon as the socket is writable.
    probes: bool,

    /// The free space for output that was requested, or zero.
    room_wanted: usize,

    /// The marks for input.
    pub low_input: usize,
    pub high_input: usize,
    /// The marks for output. libevent ignores the high mark.
    pub low_mark: usize,
    high_output: usize,
    /// libevent's events.
    pub io: [EventIndex; 2],
    /// Whether libevent has suspended reading because the input has reached its high mark.
    pub suspended: bool,
    pub references: u32,
    /// The additional state of a connection of a pair.
    pub pair: Option<super::pair::End>,
}

impl Model {
    /// Makes an open connection.
    pub(super) fn make_conn(&mut self, decl: &ConnDecl) {
        let number = self.conns.len();
        let first = self.events.len();
        let priority = usize::from(decl.priority);
        let waits = WaitsFor::Source(socket_source(decl.id));
        for (direction, what) in DIRECTIONS {
            let owner = Owner::Io(number, direction);
            self.events.push(Event { what, persist: true, priority, ..Event::new(owner, waits) });
        }
        self.last_pass.push(0);
        let slot = Some(self.last_pass.len() - 1);
        let call = Event::new(Owner::Call(number), WaitsFor::Nothing);
        self.events.push(Event { priority, slot, ..call });
        let reads = if self.ours(Switch::ReadsFromStart) { bits::READ } else { 0 };
        self.conns.push(Conn {
            id: decl.id,
            input: 0,
            output: 0,
            enabled: bits::WRITE | reads,
            timeouts: [0; 2],
            due: 0,
            call: first + 2,
            gone: false,
            last: [0; 2],
            ended: false,
            failed: false,
            end: "",
            end_reported: false,
            probes: false,
            room_wanted: 0,
            low_input: 0,
            high_input: INPUT,
            low_mark: 0,
            high_output: OUTPUT,
            io: [first, first + 1],
            suspended: false,
            references: 1,
            pair: None,
        });
    }

    /// Performs a step on a connection.
    pub(super) fn step_on_conn(&mut self, op: Op) {
        let Some(id) = op.id() else { return };
        self.write_trace(format_args!(" {id}"));
        let number = self.conns.iter().position(|conn| conn.id == id);
        let Some(number) = number.filter(|number| !self.conns[*number].gone) else {
            self.trace.push_str(" gone");
            return;
        };
        let ours = self.ours(Switch::ConnPass);
        match op {
            Op::Write(_, amount) => {
                let taken =
                    if ours { self.write(number, amount) } else { self.bev_write(number, amount) };
                self.write_trace(format_args!(
                    " {amount} {}",
                    if taken { "ok" } else { "refused" }
                ));
            }
            Op::WriteSome(_, amount) => {
                let amount = if ours {
                    self.write_some(number, amount)
                } else {
                    self.bev_write(number, amount);
                    amount
                };
                self.write_trace(format_args!(" {amount}"));
            }
            Op::Room(_, room) if ours => self.wait_for_room(number, room),
            Op::Room(_, room) => self.conns[number].low_mark = OUTPUT.saturating_sub(room),
            Op::Consume(_, amount) => {
                let amount = amount.min(self.conns[number].input);
                if ours {
                    self.consume(number, amount)
                } else {
                    self.bev_consume(number, amount)
                }
                self.write_trace(format_args!(" {amount}"));
            }
            Op::Enable(_, what) if ours => self.enable(number, what),
            Op::Enable(_, what) => self.bev_enable(number, what),
            Op::Disable(_, what) if ours => self.conns[number].enabled &= !what,
            Op::Disable(_, what) => self.bev_disable(number, what),
            Op::Timeouts(_, read, write) => {
                self.conns[number].timeouts = [read.unwrap_or(0), write.unwrap_or(0)];
                if ours {
                    self.progress(number, READ);
                    self.progress(number, WRITE);
                } else {
                    self.bev_adjust_timeouts(number);
                }
            }
            Op::Again(_) if ours => {
                let Conn { input, low_input, .. } = self.conns[number];
                let is_checked = self.ours(Switch::DueChecked);
                let is_enough = self.ours(Switch::HeldBackInput) || input >= low_input;
                if is_enough && (input > 0 || !is_checked) {
                    self.conn_due(number, due::READ);
                }
            }
            Op::Again(_) => self.bev_trigger_read(number),
            Op::Refill(_) if ours => {
                if !self.conns[number].is_finished() && self.has_room_wanted(number) {
                    self.conn_due(number, due::WRITE);
                }
            }
            Op::Refill(_) => {
                if self.conns[number].output <= self.conns[number].low_mark {
                    self.bev_due(number, due::WRITE);
                }
            }
            Op::Marks(_, what, low, high) => {
                let taken = self.set_marks(number, what, low, high);
                self.trace.push_str(if taken { " ok" } else { " refused" });
            }
            Op::Finish(_) if ours => self.finish(number),
            Op::Finish(_) => self.bev_finish(number),
            Op::Abort(_) if ours => self.abort(number),
            Op::Abort(_) => self.bev_free(number),
            _ => self.write_state(number),
        }
    }

    /// Calls a connection's callback.
    pub(super) fn call_conn(&mut self, number: Number, what: u8) {
        self.calls += 1;
        if self.is_over || self.calls > MOST_CALLS {
            (self.is_over, self.got_break) = (true, true);
            return;
        }
        let Conn { id, end, .. } = self.conns[number];
        self.write_position();
        self.write_trace(format_args!("conn {id} "));
        match what {
            due::READ => self.trace.push_str("read"),
            due::WRITE => self.trace.push_str("write"),
            due::ENDED => self.write_trace(format_args!("ended {end}")),
            events => {
                self.trace.push_str("event");
                let words = [
                    (due::TIMEOUTS, " timeout"),
                    (due::EOF, " eof"),
                    (due::ERRORS, " error"),
                    (due::READING, " reading"),
                    (due::WRITING, " writing"),
                ];
                for (_, word) in words.iter().filter(|(bits, _)| events & bits != 0) {
                    self.trace.push_str(word);
                }
            }
        }
        if what != due::ENDED {
            self.write_state(number);
        }
        self.trace.push('\n');
        self.script(id);
    }

    fn write_state(&mut self, number: Number) {
        let Conn { input, output, enabled, .. } = self.conns[number];
        let enabled = ["-", "r", "w", "rw"][usize::from(enabled >> 1)];
        self.write_trace(format_args!(" in {input} out {output} {enabled}"));
    }
}

/// Queries.
impl Model {
    /// Returns whether a connection keeps the loop running.
    pub(super) fn conns_keep_running(&self) -> bool {
        let holds = |number: Number| {
            let waits = self.wants_input(number) || self.may_send(number);
            !self.conns[number].end_reported && (waits || self.ours(Switch::OpenKeepsLoop))
        };
        self.ours(Switch::ConnPass) && (0..self.conns.len()).any(holds)
    }

    /// Returns the number of added events, plus the number of conditions that connections wait for.
    pub(super) fn added(&self) -> i64 {
        let counts = self.ours(Switch::ConnCounts) || !self.ours(Switch::ConnPass);
        let each = |number: Number| {
            let waits = [self.wants_input(number), self.may_send(number)];
            let timeouts = [READ, WRITE].map(|direction| self.expiry(number, direction).is_some());
            waits.into_iter().chain(timeouts).filter(|waits| *waits).count() as i64
        };
        let conns = if counts { 0 } else { self.conns.len() };
        self.added.now + (0..conns).map(each).sum::<i64>()
    }

    pub(super) fn wants_input(&self, number: Number) -> bool {
        let conn = &self.conns[number];
        let has_room = conn.input < conn.high_input;
        let wanted = conn.enabled & bits::READ != 0 && !conn.ended && has_room;
        wanted && !conn.failed && !conn.gone
    }

    pub(super) fn may_send(&self, number: Number) -> bool {
        let conn = &self.conns[number];
        conn.enabled & bits::WRITE != 0 && conn.output > 0 && !conn.failed && !conn.gone
    }

    fn has_output_room(&self, number: Number) -> bool {
        let conn = &self.conns[number];
        !self.ours(Switch::InputWaitsForRoom) || conn.output < conn.high_output
    }
}
