//! Pairs of connections, of picoevent and of libevent.
//!
//! In picoevent, a connection of a pair posts actions, which the next turn of the loop performs. In libevent, a
//! connection of a pair moves the bytes within the verbs, and its events are only timers.

use super::{
    Event, Model, Who,
    conn::{Conn, DIRECTIONS, Number, READ, WRITE, due},
};
use crate::{
    differences::Switch,
    program::{Id, LEVELS, Waits, bits},
};

/// The actions for a connection of a pair. They are performed in this order.
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
    posted: u8,
    /// Whether the application has ended its output.
    finished: bool,
    /// Whether the end of its stream was sent.
    end_sent: bool,
    delivered: bool,
    /// Whether it needs no further action. Its slot is free when, in addition, the callback for its end has run.
    released: bool,
    freed: bool,
}

impl Conn {
    /// Returns whether nothing can be written.
    pub(super) fn is_finished(&self) -> bool {
        self.failed || self.pair.is_some_and(|end| end.finished)
    }
}

impl Model {
    /// Makes two connections each other's peers.
    pub(super) fn make_pair(&mut self, one: Id, other: Id) {
        let number = |id| self.conns.iter().position(|conn| conn.id == id);
        let (Some(one), Some(other)) = (number(one), number(other)) else { return };
        for (number, partner) in [(one, other), (other, one)] {
            self.conns[number].pair = Some(End {
                partner,
                linked: true,
                posted: 0,
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
            for (direction, place) in io.into_iter().enumerate() {
                let timer = Event::new(Who::Io(number, direction), Waits::Nothing);
                self.events[place] = Event { priority, ..timer };
            }
        }
    }

    fn end(&mut self, number: Number) -> Option<&mut End> {
        self.conns[number].pair.as_mut()
    }
}

/// picoevent's pairs.
impl Model {
    /// Posts actions for a connection of a pair, which the next turn performs. Does nothing for other connections.
    pub(super) fn post(&mut self, number: Number, actions: u8) {
        let Some(end) = self.end(number) else { return };
        end.posted |= actions;
        if !self.outbox.contains(&number) {
            self.outbox.push(number);
        }
    }

    /// Performs the posted actions.
    pub(super) fn carry(&mut self) {
        while let Some(number) = self.outbox.first().copied() {
            let Some(end) = self.end(number) else { return };
            let first = end.posted & end.posted.wrapping_neg();
            end.posted &= !first;
            if first == 0 {
                self.outbox.remove(0);
            } else if !end.freed {
                let partner = end.partner;
                self.carry_one(number, partner, first);
            }
        }
    }

    fn carry_one(&mut self, number: Number, partner: Number, what: u8) {
        match what {
            action::RECEIVE => self.carry_bytes(partner, number),
            action::SEND => self.carry_bytes(number, partner),
            action::END => {
                self.end_arrives(partner);
                let Some(end) = self.end(number) else { return };
                if end.end_sent && end.posted & action::END == 0 && !end.delivered {
                    end.delivered = true;
                    self.go_on_ending(number);
                }
            }
            action::DROP => {
                self.give_back(number);
                if self.ours(Switch::PairFree) {
                    self.end_fails(partner);
                }
            }
            _ => self.give_back(number),
        }
    }

    fn carry_bytes(&mut self, from: Number, to: Number) {
        if self.end(to).is_some_and(|end| end.freed) {
            return self.end_fails(from);
        }
        let Conn { input, high_input, .. } = self.conns[to];
        let amount = self.conns[from].output.min(high_input.saturating_sub(input));
        if amount > 0 && self.may_send(from) && self.wants_input(to) {
            self.received(to, amount);
            self.sent(from, amount);
        }
    }

    /// Handles output that was sent.
    pub(super) fn drained(&mut self, number: Number) {
        if self.conns[number].output == 0
            && let Some(end) = self.end(number)
        {
            end.posted &= !action::SEND;
            self.go_on_ending(number);
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
            self.go_on_ending(number);
        }
    }

    fn go_on_ending(&mut self, number: Number) {
        let Conn { gone, failed, ended, output, pair, .. } = self.conns[number];
        let Some(End { finished, end_sent, delivered, released, posted, .. }) = pair else {
            return;
        };
        let is_over = released || posted & (action::CLOSE | action::DROP) != 0;
        if (failed && !gone) || is_over {
            return;
        }
        if finished && !end_sent && output == 0 {
            if let Some(end) = self.end(number) {
                end.end_sent = true;
            }
            self.post(number, action::END);
        } else if gone && delivered && ended {
            self.post(number, action::CLOSE);
        }
    }

    /// Handles the partner's end of the stream.
    fn end_arrives(&mut self, number: Number) {
        let Conn { gone, failed, ended, pair, .. } = self.conns[number];
        if ended || (failed && !gone) || pair.is_none_or(|end| end.freed) {
            return;
        }
        self.conns[number].ended = true;
        if gone {
            self.go_on_ending(number);
        } else {
            self.conn_due(number, due::EOF);
        }
    }

    /// Handles the loss of the partner.
    fn end_fails(&mut self, number: Number) {
        let Conn { gone, failed, .. } = self.conns[number];
        let Some(end) = self.end(number).filter(|end| !end.freed) else { return };
        if gone {
            return self.give_back(number);
        }
        if !failed {
            (end.released, end.posted) = (true, 0);
            self.fail(number, READ);
        }
    }

    fn give_back(&mut self, number: Number) {
        let told = self.conns[number].told;
        if let Some(end) = self.end(number) {
            (end.released, end.freed, end.posted) = (true, told, 0);
        }
    }

    /// Aborts a connection of a pair. If both streams are complete, it ends in order.
    pub(super) fn abort_end(&mut self, number: Number, is_complete: bool) {
        let Some(end) = self.end(number) else { return };
        if is_complete {
            end.finished = true;
            self.conns[number].enabled |= bits::WRITE;
            self.post(number, action::RECEIVE | action::SEND);
            self.go_on_ending(number);
        } else {
            end.posted = 0;
            if !end.released {
                self.post(number, action::DROP);
            }
        }
    }

    /// Handles the callback that reports the end of a connection, which runs now.
    pub(super) fn end_told(&mut self, number: Number) {
        if self.end(number).is_some_and(|end| end.released) {
            self.post(number, action::FREE);
        }
    }
}

/// libevent's pairs.
impl Model {
    fn bev_partner(&self, number: Number) -> Option<Number> {
        self.conns[number].pair.filter(|end| end.linked).map(|end| end.partner)
    }

    /// `be_pair_outbuf_cb`
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

    /// `be_pair_transfer`
    fn bev_transfer(&mut self, from: Number, to: Number, ignores_marks: bool) {
        let Conn { input, high_input, .. } = self.conns[to];
        let output = self.conns[from].output;
        if input >= high_input && !ignores_marks {
            return;
        }
        // Below the high mark, libevent uses the whole room as the amount, even if fewer bytes are moved.
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

    /// `be_pair_enable`
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

    /// `bufferevent_generic_adj_timeouts_`
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

    /// `be_pair_flush`
    pub(super) fn bev_finish(&mut self, number: Number) {
        if let Some(partner) = self.bev_partner(number) {
            self.bev_transfer(number, partner, true);
            self.bev_due(partner, due::EOF);
        }
    }

    /// `be_pair_unlink`
    pub(super) fn bev_pair_unlink(&mut self, number: Number) {
        let Some(partner) = self.bev_partner(number) else { return };
        for number in [number, partner] {
            if let Some(end) = self.end(number) {
                end.linked = false;
            }
        }
    }
}
