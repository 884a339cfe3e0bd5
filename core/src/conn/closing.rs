//! How a connection ends, for all back ends.
//!
//! ```text
//!  close ─▶ output is sent ─▶ Action::End ─▶ delivered ─▶ the peer's end ─▶ Action::Close
//!                │                │                           │                      ▲
//!                └─ linger limit ─┴─▶ Action::Reset           └─── FIN wait limit ───┘
//! ```
//!
//! The base knows what is unsent, so it decides. Our end of the stream follows the output, whether it
//! was asked for by `finish` or by `close`. A closed connection keeps its slot until its peer has ended
//! its stream, because a socket that is dropped with input unread resets the connection, and the peer
//! would lose what it has not read. Its input is discarded.
//!
//! Connections that wait for their peer's end only are *lingering*. When the table is full, the one that
//! lingers longest gives its slot to a new connection.

use core::task::{Poll, ready};
use core::time::Duration;

use super::slot::{Phase, flag};
use super::{ConnSlot, Direction};
use crate::handle::Conn;
use crate::outbox::action;
use crate::queue::Id;
use crate::record::Entry;
use crate::time::millis;
use crate::{Backend, Cx, EventBase};

/// How long a closed connection may take to deliver its output and our end of the stream, at first.
/// Then it is reset. See [`Cx::set_close_limits`].
pub const LINGER: Duration = Duration::from_secs(10);

/// How long a closed connection that has delivered everything waits for the end of its peer's stream
/// (FIN-WAIT-2, RFC 9293), at first. Then its socket is dropped. See [`Cx::set_close_limits`].
pub const FIN_WAIT: Duration = Duration::from_secs(2);

/// The limits of closed connections, in milliseconds.
pub(crate) struct CloseLimits {
    linger: u32,
    fin_wait: u32,
}

impl CloseLimits {
    pub(crate) const fn new() -> Self {
        Self { linger: LINGER.as_millis() as u32, fin_wait: FIN_WAIT.as_millis() as u32 }
    }
}

impl<A> Cx<'_, A> {
    /// Sets how long closed connections may take: `linger` until all is delivered, then `fin_wait` until
    /// the peer has ended its stream. [`LINGER`] and [`FIN_WAIT`] at first. In whole milliseconds, rounded
    /// up, one at least. It applies to connections that are closed from now on.
    pub fn set_close_limits(&mut self, linger: Duration, fin_wait: Duration) {
        let [linger, fin_wait] = [linger, fin_wait].map(|limit| millis(limit).max(1));
        self.close_limits = CloseLimits { linger, fin_wait };
    }

    /// Closes the connection in a slot: output first.
    pub(super) fn conn_close(&mut self, index: u16) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        match slot.phase() {
            Phase::Failed => return self.conn_abort(index),
            Phase::Connecting if slot.output.len() == 0 => return self.conn_drop(index),
            _ => {}
        }
        slot.input.clear();
        slot.turn.set(flag::FINISHED | flag::WRITE_ENABLED, true);
        self.conn_forget(index);
        self.conn_limit(index, self.close_limits.linger);
        // Whether the application read or not, the peer's end is waited for from now on.
        self.conn_post(index, action::RECEIVE | action::SEND);
        self.conn_end_output(index);
        self.conn_linger(index);
    }

    /// Drops a connection. One whose both streams are complete ends in order: nothing is lost by that.
    pub(super) fn conn_abort(&mut self, index: u16) {
        let Some(slot) = self.tables.conns.slot(index) else { return };
        match slot.phase() {
            // The back end has dropped its socket.
            Phase::Failed => self.conn_give_back(index),
            Phase::Open if slot.has(flag::EOF) && slot.output.len() == 0 => self.conn_close(index),
            _ => self.conn_drop(index),
        }
    }

    /// Resets a connection.
    pub(crate) fn conn_drop(&mut self, index: u16) {
        self.conn_forget(index);
        // Otherwise a back end that hears of the peer meanwhile would be asked to send the output.
        if let Some(slot) = self.tables.conns.slot_mut(index) {
            slot.output.clear();
            slot.timeouts = [0; 2];
            slot.pending.actions = 0;
        }
        self.conn_post(index, action::DROP);
    }

    /// Ends the application's part in a connection: none of its callbacks will run.
    #[inline(never)]
    fn conn_forget(&mut self, index: u16) {
        let id = self.tables.conn_id(index);
        self.queues.remove(&mut self.tables, id);
        self.stop_holding_back(index);
        if let Some(slot) = self.tables.conns.slot_mut(index) {
            slot.set_phase(Phase::Closing);
            slot.turn.set_due(0);
        }
    }

    /// Requests that our end of the stream is sent, if the application has ended it and all output is sent.
    pub(super) fn conn_end_output(&mut self, index: u16) {
        if let Some(slot) = self.tables.conns.slot_mut(index)
            && slot.may_end()
        {
            slot.turn.set(flag::END_SENT, true);
            self.conn_post(index, action::END);
        }
    }

    /// Lets a closed connection that has delivered everything wait for its peer's end, or ends it if
    /// that was received.
    pub(super) fn conn_linger(&mut self, index: u16) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        if !slot.has(flag::DELIVERED) || slot.is_held() || slot.is_over() {
            return;
        }
        if slot.has(flag::EOF) {
            self.conn_stop_lingering(index);
            return self.conn_post(index, action::CLOSE);
        }
        slot.turn.set(flag::LINGERING, true);
        self.conn_limit(index, self.close_limits.fin_wait);
        self.lingering.push(&mut self.tables.conns, Id::at(index));
    }

    /// Ends a closed connection whose limit has passed.
    pub(super) fn conn_close_timed_out(&mut self, index: u16) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        slot.timeouts = [0; 2];
        // A system may still deliver what it has, which a reset would destroy.
        let over = if slot.has(flag::DELIVERED) { action::CLOSE } else { action::DROP };
        self.conn_stop_lingering(index);
        self.conn_post(index, over);
    }

    /// Gives a closed connection so many milliseconds from now.
    fn conn_limit(&mut self, index: u16, limit: u32) {
        if let Some(slot) = self.tables.conns.slot_mut(index) {
            slot.timeouts = [0, limit];
        }
        self.conn_progress(index, Direction::Write);
    }

    /// Ends a connection, and gives its slot back.
    #[inline(never)]
    pub(super) fn conn_give_back(&mut self, index: u16) {
        self.conn_forget(index);
        self.conn_stop_lingering(index);
        if let Some(slot) = self.tables.conns.slot_mut(index) {
            // A key that is left in the heap of timers means nothing any more.
            slot.timeouts = [0; 2];
            slot.pending.actions = 0;
        }
        self.tables.conns.give_back(index);
    }

    fn conn_stop_lingering(&mut self, index: u16) {
        if let Some(slot) = self.tables.conns.slot_mut(index)
            && slot.has(flag::LINGERING)
        {
            slot.turn.set(flag::LINGERING, false);
            self.lingering.remove(&mut self.tables.conns, Id::at(index));
        }
    }

    /// Returns whether there is room for a connection: a free slot, or one that lingers.
    pub(super) fn conn_has_room(&self) -> bool {
        !self.tables.conns.is_full()
            || !self.lingering.is_empty() && self.outbox.evicted == Conn::NONE
    }

    /// Takes a slot for a new connection. If the table is full, that is the slot of the connection that
    /// lingers longest; the back end learns that with the next action.
    pub(super) fn conn_insert(&mut self) -> Option<(Conn, &mut ConnSlot<A>)> {
        if self.tables.conns.is_full() && self.outbox.evicted == Conn::NONE {
            self.outbox.evicted = self.conn_evict().unwrap_or(Conn::NONE);
        }
        self.tables.conns.insert()
    }

    fn conn_evict(&mut self) -> Option<Conn> {
        let index = self.lingering.first.slot();
        let (conn, _) = self.tables.conns.at(index)?;
        self.conn_give_back(index);
        Some(conn)
    }
}

impl<A> ConnSlot<A> {
    /// Returns whether our end of the stream is to be sent now.
    fn may_end(&self) -> bool {
        let is_established = matches!(self.phase(), Phase::Open | Phase::Closing);
        let is_wanted = self.has(flag::FINISHED) && !self.has(flag::END_SENT);
        is_established && is_wanted && self.output.len() == 0 && !self.is_over()
    }

    /// Returns whether the back end is about to drop the socket.
    pub(super) const fn is_over(&self) -> bool {
        self.pending.actions & (action::CLOSE | action::DROP) != 0
    }
}

impl<A> EventBase<'_, A> {
    /// Frees every listener and closes every connection, for the end of a program. The loop may have
    /// ended; [`EventBase::drain`] lets the back end deliver what is left. Events stay as they are.
    #[inline(never)]
    pub fn close_all(&mut self) {
        self.cx.recorder.note(|| Entry::CloseAll);
        for index in 0..self.cx.tables.listeners.capacity() as u16 {
            let held = self.cx.tables.listeners.at(index).filter(|(_, slot)| !slot.is_freed());
            if held.is_some() {
                self.cx.listener_free(index);
            }
        }
        for index in 0..self.cx.tables.conns.capacity() as u16 {
            let held = self.cx.tables.conns.at(index).filter(|(_, slot)| slot.is_held());
            if held.is_some() {
                self.cx.conn_close(index);
            }
        }
    }

    /// Lets the back end deliver what closed connections still owe their peers, after
    /// [`EventBase::close_all`]. No callback runs. Ready when all is delivered or its limit has passed;
    /// peers' ends of stream are not awaited. As a [turn](EventBase::turn), it goes on with the next call
    /// when it is pending.
    ///
    /// # Errors
    /// The back end's.
    #[inline(never)]
    pub fn drain<B: Backend<A>>(&mut self, back_end: &mut B) -> Poll<Result<(), B::Error>> {
        loop {
            if !core::mem::take(&mut self.cx.state.waiting) {
                self.settle(back_end)?;
                if self.cx.tables.conns.iter().all(|(_, slot)| slot.has(flag::LINGERING)) {
                    return Poll::Ready(Ok(()));
                }
                let until = self.cx.first_conn().min(back_end.deadline(self));
                ready!(self.wait_until(until, back_end))?;
            }
            self.take_news(back_end);
            self.end_overdue();
        }
    }

    /// Ends the closed connections whose limit has passed.
    pub(crate) fn end_overdue(&mut self) {
        self.cx.recorder.note(|| Entry::Overdue);
        self.cx.expire();
    }

    /// Ends the connection that lingers longest, for a back end that needs its socket for another.
    /// Returns its handle, which is stale: the back end drops the socket.
    pub fn end_lingering(&mut self) -> Option<Conn> {
        self.cx.recorder.note(|| Entry::EndLingering);
        self.cx.conn_evict()
    }

    /// Returns whether a connection lingers: the application has closed it, everything was delivered,
    /// and it waits for its peer's end of stream only.
    pub fn is_lingering(&self, conn: Conn) -> bool {
        self.cx.tables.conns.get(conn).is_some_and(|slot| slot.has(flag::LINGERING))
    }
}
