//! The model of pairs of connections in memory, for picoevent and for libevent.
//!
//! In picoevent, a connection of a pair records pending actions, and the next iteration of the loop performs them. In
//! libevent, the bytes of a pair move at once, in the function that the application calls (for example a write). So
//! libevent uses the two events of a connection of a pair only as timers.

use super::{
    Event, Model, Owner,
    conn::{Conn, DIRECTIONS, Number, READ, WRITE, due},
};
use crate::{
    differences::Switch,
    program::{Id, LEVELS, WaitsFor, bits},
};

/// The actions for a connection of a pair. Pending actions are performed in the order of the constants.
pub(super) mod action {
    pub const RECEIVE: u8 = 1 << 0;
    pub const SEND: u8 = 1 << 1;
    pub const END: u8 = 1 << 2;
    pub const FREE: u8 = 1 << 3;
    pub const CLOSE: u8 = 1 << 4;
    pub const DROP: u8 = 1 << 5;
}

/// The additional state of a connection of a pair.
#[derive(Clone, Copy)]
pub(super) struct End {
    partner: Number,
    /// In libevent, the two connections are linked until one of them is finalized.
    linked: bool,
    /// The pending actions.
    pending: u8,
    /// Whether the application has ended its output.
    finished: bool,
    /// Whether the connection's end of stream was sent.
    end_sent: bool,
    delivered: bool,
    /// Whether no further action is needed for the connection. The connection's slot is free when the callback for the
    /// end of the connection has also run.
    released: bool,
    freed: bool,
}

impl Conn {
    /// Returns whether the application can no longer write.
    pub(super) fn is_finished(&self) -> bool {
        self.failed || self.pair.is_some_and(|end| end.finished)
    }
}

impl Model {
    /// Makes a pair: each of the two connections becomes the peer of the other connection.
    pub(super) fn make_pair(&mut self, one: Id, other: Id) {
        let number = |id| self.conns.iter().position(|conn| conn.id == id);
        let (Some(one), Some(other)) = (number(one), number(other)) else { return };
        for (number, partner) in [(one, other), (other, one)] {
            self.conns[number].pair = Some(End {
                partner,
                linked: true,
                pending: 0,
                finished: false,
                end_sent: false,
                delivered: false,
                released: false,
                freed: false,
            });
            let Conn { io, call, .. } = self.conns[number];
            let ours = self.ours(Switch::PairPriority);
            let priority = if ours { self.events[call].priority } else { LEVELS / 2 };
            self.events[call].priority = priority;
            for (direction, index) in io.into_iter().enumerate() {
                let timer = Event::new(Owner::Io(number, direction), WaitsFor::Nothing);
                self.events[index] = Event { priority, ..timer };
            }
        }
    }

    fn end(&mut self, number: Number) -> Option<&mut End> {
        self.conns[number].pair.as_mut()
    }
}

/// picoevent's pairs.
impl Model {
    /// Adds pending actions for a connection of a pair. The next iteration performs them. Does nothing for other
    /// connections.
    pub(super) fn add_pending(&mut self, number: Number, actions: u8) {
        let Some(end) = self.end(number) else { return };
        end.pending |= actions;
        if !self.conns_with_actions.contains(&number) {
            self.conns_with_actions.push(number);
        }
    }

    /// Performs the pending actions.
    pub(super) fn perform_actions(&mut self) {
        while let Some(number) = self.conns_with_actions.first().copied() {
            let Some(end) = self.end(number) else { return };
            let first = end.pending & end.pending.wrapping_neg();
            end.pending &= !first;
            if first == 0 {
                self.conns_with_actions.remove(0);
            } else if !end.freed {
                let partner = end.partner;
                self.perform_action(number, partner, first);
            }
        }
    }

    fn perform_action(&mut self, number: Number, partner: Number, what: u8) {
        match what {
            action::RECEIVE => self.move_bytes(partner, number),
            action::SEND => self.move_bytes(number, partner),
            action::END => {
                self.on_partner_end(partner);
                let Some(end) = self.end(number) else { return };
                if end.end_sent && end.pending & action::END == 0 && !end.delivered {
                    end.delivered = true;
                    self.continue_ending(number);
                }
            }
            action::DROP => {
                self.release(number);
                if self.ours(Switch::PairFree) {
                    self.on_partner_lost(partner);
                }
            }
            _ => self.release(number),
        }
    }

    fn move_bytes(&mut self, from: Number, to: Number) {
        if self.end(to).is_some_and(|end| end.freed) {
            let has_nothing_to_send = !self.may_send(from) || self.conns[from].output == 0;
            if self.conns[from].gone || !has_nothing_to_send {
                self.on_partner_lost(from);
            }
            return;
        }
        let Conn { input, high_input, .. } = self.conns[to];
        let amount = self.conns[from].output.min(high_input.saturating_sub(input));
        if amount > 0 && self.may_send(from) && self.wants_input(to) {
            self.received(to, amount);
            self.sent(from, amount);
        }
    }

    /// Called after output was sent. If no output is left, an end of stream or a close that has waited for this becomes
    /// a pending action.
    pub(super) fn drained(&mut self, number: Number) {
        if self.conns[number].output == 0
            && let Some(end) = self.end(number)
        {
            end.pending &= !action::SEND;
            self.continue_ending(number);
        }
    }

    pub(super) fn finish(&mut self, number: Number) {
        if !self.ours(Switch::PairFinish) {
            let Some(partner) = self.end(number).map(|end| end.partner) else { return };
            let amount = std::mem::take(&mut self.conns[number].output);
            self.received(partner, amount);
            return self.conn_due(partner, due::EOF);
        }
        if let Some(end) = self.end(number) {
            end.finished = true;
            self.continue_ending(number);
        }
    }

    fn continue_ending(&mut self, number: Number) {
        let Conn { gone, failed, ended, output, pair, .. } = self.conns[number];
        let Some(End { finished, end_sent, delivered, released, pending, .. }) = pair else {
            return;
        };
        let is_over = released || pending & (action::CLOSE | action::DROP) != 0;
        if (failed && !gone) || is_over {
            return;
        }
        if finished && !end_sent && output == 0 {
            if let Some(end) = self.end(number) {
                end.end_sent = true;
            }
            self.add_pending(number, action::END);
        } else if gone && delivered && ended {
            self.add_pending(number, action::CLOSE);
        }
    }

    /// Handles the end of the partner's stream.
    fn on_partner_end(&mut self, number: Number) {
        let Conn { gone, failed, ended, pair, .. } = self.conns[number];
        if ended || (failed && !gone) || pair.is_none_or(|end| end.freed) {
            return;
        }
        self.conns[number].ended = true;
        if gone {
            self.continue_ending(number);
        } else {
            self.conn_due(number, due::EOF);
        }
    }

    /// Handles the loss of the partner.
    fn on_partner_lost(&mut self, number: Number) {
        let Conn { gone, failed, .. } = self.conns[number];
        let Some(end) = self.end(number).filter(|end| !end.freed) else { return };
        if gone {
            return self.release(number);
        }
        if !failed {
            (end.released, end.pending) = (true, 0);
            self.fail(number, READ);
        }
    }

    fn release(&mut self, number: Number) {
        let end_reported = self.conns[number].end_reported;
        if let Some(end) = self.end(number) {
            (end.released, end.freed, end.pending) = (true, end_reported, 0);
        }
    }

    /// Aborts a connection of a pair. If `is_complete` is true (the peer's stream has ended, and no output is left),
    /// the connection sends an end of stream. If `is_complete` is false, the partner is reset.
    pub(super) fn abort_end(&mut self, number: Number, is_complete: bool) {
        let Some(end) = self.end(number) else { return };
        if is_complete {
            end.finished = true;
            self.conns[number].enabled |= bits::WRITE;
            self.add_pending(number, action::RECEIVE | action::SEND);
            self.continue_ending(number);
        } else {
            end.pending = 0;
            if !end.released {
                self.add_pending(number, action::DROP);
            }
        }
    }

    /// Called when the callback for the end of a connection runs. If the connection needs no further action, requests
    /// that its slot is freed.
    pub(super) fn on_end_reported(&mut self, number: Number) {
        if self.end(number).is_some_and(|end| end.released) {
            self.add_pending(number, action::FREE);
        }
    }
}

/// libevent's pairs.
impl Model {
    fn bev_partner(&self, number: Number) -> Option<Number> {
        self.conns[number].pair.filter(|end| end.linked).map(|end| end.partner)
    }

    /// Models libevent's `be_pair_outbuf_cb`.
    pub(super) fn bev_pair_write(&mut self, number: Number, amount: usize) {
        if let Some(partner) = self.bev_partner(number)
            && amount > 0
            && self.bev_wants_to_talk(number, partner)
        {
            self.bev_transfer(number, partner, false);
        }
    }

    fn bev_wants_to_talk(&self, from: Number, to: Number) -> bool {
        let (from, to) = (&self.conns[from], &self.conns[to]);
        let enabled = from.enabled & bits::WRITE != 0 && to.enabled & bits::READ != 0;
        enabled && !to.suspended && from.output > 0
    }

    /// Models libevent's `be_pair_transfer`.
    fn bev_transfer(&mut self, from: Number, to: Number, ignores_marks: bool) {
        let Conn { input, high_input, .. } = self.conns[to];
        let output = self.conns[from].output;
        if input >= high_input && !ignores_marks {
            return;
        }
        // libevent computes the number of bytes to move. If the input is below its high mark, this number is the free
        // space up to the mark, even if there is less output. libevent resets timeouts if this number is not zero, even
        // if no byte is moved.
        let amount = if input < high_input { high_input - input } else { output };
        let moved = amount.min(output);
        self.conns[from].output -= moved;
        self.conns[to].input += moved;
        if moved > 0 {
            self.bev_input_changed(to);
        }
        if amount > 0 {
            self.bev_reset_timeout(to, READ);
            if self.conns[to].output > 0 {
                self.bev_reset_timeout(to, WRITE);
            } else {
                self.delete(self.conns[to].io[WRITE]);
            }
        }
        self.bev_trigger_read(to);
        if self.conns[from].output <= self.conns[from].low_mark {
            self.bev_due(from, due::WRITE);
        }
    }

    fn bev_reset_timeout(&mut self, number: Number, direction: usize) {
        if self.conns[number].timeouts[direction] > 0 {
            self.bev_add(number, direction);
        }
    }

    /// Models libevent's `be_pair_enable`.
    pub(super) fn bev_pair_enable(&mut self, number: Number, what: u8) {
        if what & bits::READ != 0 {
            self.bev_reset_timeout(number, READ);
        }
        if what & bits::WRITE != 0 && self.conns[number].output > 0 {
            self.bev_reset_timeout(number, WRITE);
        }
        let Some(partner) = self.bev_partner(number) else { return };
        if what & bits::READ != 0 && self.bev_wants_to_talk(partner, number) {
            self.bev_transfer(partner, number, false);
        }
        if what & bits::WRITE != 0 && self.bev_wants_to_talk(number, partner) {
            self.bev_transfer(number, partner, false);
        }
    }

    /// Models libevent's `bufferevent_generic_adj_timeouts_`.
    pub(super) fn bev_pair_adjust_timeouts(&mut self, number: Number) {
        for (direction, bit) in DIRECTIONS {
            let Conn { enabled, timeouts, output, suspended, io, .. } = self.conns[number];
            let waits = if direction == READ { !suspended } else { output > 0 };
            if enabled & bit != 0 && timeouts[direction] > 0 && waits {
                self.bev_add(number, direction);
            } else {
                self.delete(io[direction]);
            }
        }
    }

    /// Models libevent's `be_pair_flush`.
    pub(super) fn bev_finish(&mut self, number: Number) {
        if let Some(partner) = self.bev_partner(number) {
            self.bev_transfer(number, partner, true);
            self.bev_due(partner, due::EOF);
        }
    }

    /// Models libevent's `be_pair_unlink`.
    pub(super) fn bev_pair_unlink(&mut self, number: Number) {
        let Some(partner) = self.bev_partner(number) else { return };
        for number in [number, partner] {
            if let Some(end) = self.end(number) {
                end.linked = false;
            }
        }
    }
}
