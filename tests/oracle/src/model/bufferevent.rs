//! The model of libevent's connections: bufferevents with deferred callbacks and a high mark for reading.
//!
//! Each bufferevent has two persistent events on its socket. The callbacks of these events move the bytes. Each
//! bufferevent also has a deferred callback. This callback is queued behind all callbacks that are already active.

use super::{
    Event, EventIndex, Interval, Model, Owner,
    conn::{Conn, DIRECTIONS, Number, READ, WRITE, due},
};
use crate::{
    program::{WaitsFor, bits, socket},
    world::Received,
};

/// libevent's limit for deferred callbacks. If an iteration of the loop has more than this number, further deferred
/// callbacks wait for the next iteration.
const MOST_DEFERRED: u32 = 32;

impl Model {
    pub(super) fn bev_write(&mut self, number: Number, amount: usize) -> bool {
        let conn = &mut self.conns[number];
        conn.output += amount;
        let (enabled, io) = (conn.enabled, conn.io[WRITE]);
        if conn.pair.is_some() {
            self.bev_pair_write(number, amount);
            return true;
        }
        if enabled & bits::WRITE != 0 && self.pending(io) & bits::WRITE == 0 {
            self.bev_add(number, WRITE);
        }
        true
    }

    pub(super) fn bev_consume(&mut self, number: Number, amount: usize) {
        if amount > 0 {
            self.conns[number].input -= amount;
            self.bev_input_changed(number);
        }
    }

    pub(super) fn bev_enable(&mut self, number: Number, what: u8) {
        let conn = &mut self.conns[number];
        conn.enabled |= what;
        let suspended = if conn.suspended { bits::READ } else { 0 };
        if conn.pair.is_some() {
            return self.bev_pair_enable(number, what & !suspended);
        }
        for (direction, _) in DIRECTIONS.iter().filter(|(_, bit)| what & !suspended & bit != 0) {
            self.bev_add(number, *direction);
        }
    }

    pub(super) fn bev_disable(&mut self, number: Number, what: u8) {
        self.conns[number].enabled &= !what;
        for (direction, _) in DIRECTIONS.iter().filter(|(_, bit)| what & bit != 0) {
            self.delete(self.conns[number].io[*direction]);
        }
    }

    /// Models libevent's `bufferevent_generic_adj_existing_timeouts_`.
    pub(super) fn bev_adjust_timeouts(&mut self, number: Number) {
        if self.conns[number].pair.is_some() {
            return self.bev_pair_adjust_timeouts(number);
        }
        for (direction, bit) in DIRECTIONS {
            let io = self.conns[number].io[direction];
            if self.pending(io) & bit == 0 {
                continue;
            }
            if self.conns[number].timeouts[direction] > 0 {
                self.bev_add(number, direction);
            } else {
                self.remove_timer(io);
            }
        }
    }

    pub(super) fn bev_add(&mut self, number: Number, direction: usize) {
        let conn = &self.conns[number];
        let (io, ms) = (conn.io[direction], conn.timeouts[direction]);
        self.add(io, (ms > 0).then_some(Interval { ms, common: None }));
    }

    /// Models libevent's `bufferevent_inbuf_wm_cb`.
    pub(super) fn bev_input_changed(&mut self, number: Number) {
        if self.conns[number].input >= self.conns[number].high_input {
            return self.bev_suspend(number);
        }
        self.conns[number].suspended = false;
        if self.conns[number].enabled & bits::READ != 0 {
            match self.conns[number].pair {
                Some(_) => self.bev_pair_enable(number, bits::READ),
                None => self.bev_add(number, READ),
            }
        }
    }

    fn bev_suspend(&mut self, number: Number) {
        if !std::mem::replace(&mut self.conns[number].suspended, true) {
            self.delete(self.conns[number].io[READ]);
        }
    }

    /// Models the callback of one of the two events of a bufferevent.
    pub(super) fn bev_io(&mut self, number: Number, direction: usize, what: u8) {
        match (direction, what) {
            (READ, bits::TIMEOUT) => self.bev_fails(number, bits::READ, due::READ_TIMEOUT),
            (READ, _) => self.bev_read(number),
            (_, bits::TIMEOUT) => self.bev_fails(number, bits::WRITE, due::WRITE_TIMEOUT),
            _ => self.bev_send(number),
        }
    }

    fn bev_read(&mut self, number: Number) {
        let conn = &self.conns[number];
        if conn.input >= conn.high_input {
            return self.bev_suspend(number);
        }
        if conn.suspended {
            return;
        }
        match self.world.sockets[socket(conn.id)].read(conn.high_input - conn.input) {
            Received::Bytes(amount) => {
                self.conns[number].input += amount;
                self.bev_input_changed(number);
                self.bev_trigger_read(number);
            }
            Received::Nothing => {}
            Received::End => self.bev_fails(number, bits::READ, due::EOF),
            Received::Reset => self.bev_fails(number, bits::READ, due::READ_ERROR),
        }
    }

    fn bev_send(&mut self, number: Number) {
        let conn = &self.conns[number];
        let (output, io) = (conn.output, conn.io[WRITE]);
        if output > 0 {
            match self.world.sockets[socket(conn.id)].write(output) {
                None => return self.bev_fails(number, bits::WRITE, due::WRITE_ERROR),
                Some(amount) => self.conns[number].output -= amount,
            }
        }
        let Conn { output, low_mark, .. } = self.conns[number];
        if output == 0 {
            self.delete(io);
        }
        if output <= low_mark {
            self.bev_due(number, due::WRITE);
        }
    }

    fn bev_fails(&mut self, number: Number, direction: u8, what: u8) {
        self.bev_disable(number, direction);
        self.bev_due(number, what);
    }

    /// Defers the callback for input if the input has reached its low mark.
    pub(super) fn bev_trigger_read(&mut self, number: Number) {
        if self.conns[number].input >= self.conns[number].low_input {
            self.bev_due(number, due::READ);
        }
    }

    /// Defers a callback.
    pub(super) fn bev_due(&mut self, number: Number, what: u8) {
        let conn = &mut self.conns[number];
        if conn.gone {
            return;
        }
        conn.due |= what;
        let call = conn.call;
        let is_waiting = self.events[call].queued;
        let is_later = self.deferred_to_next.contains(&call);
        if self.deferred_count > MOST_DEFERRED {
            if !is_waiting && !is_later {
                self.deferred_to_next.push(call);
                self.active.increment(false);
                self.added.increment(false);
                self.conns[number].references += 1;
            }
        } else if is_later {
            self.cancel_deferred(call);
            self.enqueue(call);
        } else if !is_waiting {
            self.enqueue(call);
            self.deferred_count += 1;
            self.conns[number].references += 1;
        }
    }

    /// Appends a deferred callback, or the callback that frees a connection, to the queue of its priority.
    fn enqueue(&mut self, call: EventIndex) {
        let state = &mut self.events[call];
        state.queued = true;
        self.queues[state.priority].push_back(call);
        self.active.increment(false);
        self.added.increment(false);
    }

    fn cancel_deferred(&mut self, call: EventIndex) {
        let before = self.deferred_to_next.len();
        self.deferred_to_next.retain(|other| *other != call);
        if self.deferred_to_next.len() < before {
            self.active.now -= 1;
            self.added.now -= 1;
        }
    }

    /// Queues the callbacks that were deferred to this iteration of the loop.
    pub(super) fn activate_deferred(&mut self) {
        for call in std::mem::take(&mut self.deferred_to_next) {
            let state = &mut self.events[call];
            state.queued = true;
            self.queues[state.priority].push_back(call);
            self.deferred_count += 1;
        }
    }

    /// Models libevent's `bufferevent_run_deferred_callbacks_locked`.
    pub(super) fn bev_run_deferred(&mut self, number: Number) {
        if self.bev_take(number, due::READ) != 0 {
            self.call_conn(number, due::READ);
            let conn = &self.conns[number];
            if conn.enabled & bits::READ != 0 && conn.input >= conn.high_input {
                self.bev_trigger_read(number);
            }
        }
        if self.bev_take(number, due::WRITE) != 0 {
            self.call_conn(number, due::WRITE);
        }
        let events = self.bev_take(number, due::EVENTS);
        if events != 0 {
            self.call_conn(number, events);
        }
        self.bev_release(number);
    }

    /// Removes callbacks from the due callbacks of a connection, and returns them. A freed connection has no due
    /// callbacks.
    fn bev_take(&mut self, number: Number, what: u8) -> u8 {
        let conn = &mut self.conns[number];
        let taken = if conn.gone { 0 } else { conn.due & what };
        conn.due &= !taken;
        taken
    }

    pub(super) fn bev_free(&mut self, number: Number) {
        self.conns[number].gone = true;
        self.bev_release(number);
    }

    /// Drops a reference. When no reference is left, removes the connection's events and callbacks, and queues a last
    /// callback. In libevent, this last callback frees the memory.
    fn bev_release(&mut self, number: Number) {
        let conn = &mut self.conns[number];
        conn.references -= 1;
        if conn.references > 0 {
            return;
        }
        let (io, call) = (conn.io, conn.call);
        self.bev_pair_unlink(number);
        io.into_iter().for_each(|io| self.remove(io));
        self.dequeue(call);
        self.cancel_deferred(call);
        let priority = self.events[call].priority;
        let last = Event { priority, ..Event::new(Owner::Finalizer, WaitsFor::Nothing) };
        self.events.push(last);
        self.enqueue(self.events.len() - 1);
    }
}
