//! Outgoing connections: at rest, connecting, and connecting again.
//!
//! ```text
//!            connect_after           its time            opened
//!   at rest ───────────────▶ waiting ────────▶ connecting ─────▶ open
//!      ▲                                           │               │
//!      └───────── connect_after in `ended` ────────┴───────────────┘
//! ```

use core::net::SocketAddr;

use super::slot::{Phase, flag};
use super::{Direction, Tuning};
use crate::outbox::action;
use crate::{Cx, Instant};

impl<A> Cx<'_, A> {
    /// Gives a connection that is at rest, or has ended, its next address, and the time to connect.
    pub(super) fn conn_connect_after(&mut self, index: u16, delay: u32, address: SocketAddr) {
        let now = self.now;
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        slot.peer = address.into();
        slot.set_alarm(now, delay, 0);
        self.hooks.conn_alarm = Some(|cx, index| cx.conn_alarm_due(index));
        self.hooks.conn_rest = Some(|cx, index| cx.conn_rest(index));
        if !self.tables.conns.slot(index).is_some_and(|slot| slot.has(flag::RESTING)) {
            self.conn_set_reconnects(index, true);
            return self.conn_end_wait(index);
        }
        if delay == 0 {
            return self.conn_call(index);
        }
        self.conn_arm(index);
    }

    /// Sets whether a connection that has ended connects again. If so, the application holds it already.
    pub(super) fn conn_set_reconnects(&mut self, index: u16, reconnects: bool) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        if slot.has(flag::RECONNECTS) != reconnects {
            slot.turn.set(flag::RECONNECTS, reconnects);
            self.conn_count(index, if reconnects { 1 } else { 0_u16.wrapping_sub(1) });
        }
    }

    /// Lets a connection that has ended rest, until its time to connect.
    pub(super) fn conn_rest(&mut self, index: u16) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        let at = slot.alarm_at;
        slot.begin_again();
        slot.turn.set(flag::RESTING | flag::RELEASED, true);
        slot.alarm_at = at;
        if at <= self.now {
            return self.conn_call(index);
        }
        self.conn_arm(index);
    }

    /// Begins to connect a connection that is at rest.
    pub(super) fn conn_call(&mut self, index: u16) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        slot.turn.set(flag::RESTING | flag::RELEASED, false);
        slot.set_phase(Phase::Connecting);
        slot.alarm_at = Instant::ZERO;
        let is_tuned = slot.tuning() != Tuning::DEFAULT;
        self.conn_post(index, action::OPEN | if is_tuned { action::TUNE } else { 0 });
        self.conn_progress(index, Direction::Write);
    }
}
