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
//! Connections that wait for their peer's end only are *lingering*. When the pool is full, the one that
//! lingers longest gives its slot to a new connection.
//!
//! The application hears of the end once, in a callback of its own, as soon as its part is over. The slot
//! is given back when that callback has run and the back end has dropped its socket. A connection lingers
//! from that callback on, as its links are those of a queue until then.

use core::task::{Poll, ready};
use core::time::Duration;

use super::firing::due;
use super::slot::flag;
use super::{ConnSlot, Direction};
use crate::error::Code;
use crate::handle::Conn;
use crate::outbox::action;
use crate::pool::PoolSlot;
use crate::queue::{Id, List};
use crate::record::Entry;
use crate::table::Table;
use crate::time::millis;
use crate::{Backend, Cx, EventBase, Instant};

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
        self.conn_close_as(index, Code::CLOSED);
    }

    fn conn_close_as(&mut self, index: u16, end: Code) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        if !slot.is_held() {
            return;
        }
        slot.input.clear();
        // One that has no socket, or connects in vain, just ends.
        if !slot.is_open() && (slot.has(flag::RELEASED) || slot.output.len() == 0) {
            return self.conn_drop(index, end);
        }
        slot.turn.set(flag::WRITE_ENABLED, true);
        self.conn_forget(index, end);
        self.conn_limit(index, self.close_limits.linger);
        // Whether the application read or not, the peer's end is waited for from now on.
        self.conn_post(index, action::RECEIVE | action::SEND);
        self.conn_go_on_ending(index);
    }

    /// Drops a connection. One whose both streams are complete ends in order: nothing is lost by that.
    pub(super) fn conn_abort(&mut self, index: u16, end: Code) {
        let Some(slot) = self.tables.conns.slot(index) else { return };
        if slot.is_open() && slot.has(flag::EOF) && slot.output.len() == 0 {
            self.conn_close_as(index, end);
        } else {
            self.conn_drop(index, end);
        }
    }

    /// Resets a connection that the application holds; one that has no socket just ends.
    pub(crate) fn conn_drop(&mut self, index: u16, end: Code) {
        self.conn_forget(index, end);
        // Otherwise a back end that hears of the peer meanwhile would be asked to send the output.
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        slot.output.clear();
        slot.timeouts = [0; 2];
        slot.pending.actions = 0;
        if !slot.has(flag::RELEASED) {
            self.conn_post(index, action::DROP);
        } else if slot.turn.due() & due::ENDED == 0 {
            self.conn_post(index, action::FREE);
        }
    }

    /// Ends the application's part in a connection, if it holds it: of its callbacks, only that for its end
    /// will run. One that has failed keeps its error.
    #[inline(never)]
    fn conn_forget(&mut self, index: u16, end: Code) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        if !slot.is_held() {
            return;
        }
        let is_known = !slot.is_unaccepted();
        if slot.turn.state & (flag::RELEASED | flag::RESTING) != flag::RELEASED {
            slot.set_end(end);
        }
        slot.set_closing();
        slot.turn.set_due(0);
        (slot.alarm_at, slot.alarm_every) = (Instant::ZERO, 0);
        let id = self.tables.conn_id(index);
        self.queues.remove(&mut self.tables, id);
        self.stop_holding_back(index);
        self.conn_count(index, 0_u16.wrapping_sub(1));
        if is_known {
            self.conn_activate(index, due::ENDED);
        }
    }

    /// Adds to the connections that are held in a pool, and of a listener.
    pub(crate) fn conn_count(&mut self, index: u16, change: u16) {
        let Some(slot) = self.tables.conns.slot(index) else { return };
        if let Some(pool) = self.pools.get_mut(slot.pool()) {
            pool.held = pool.held.wrapping_add(change);
        }
        if let Some(listener) = self.tables.listeners.get_mut(slot.listener) {
            listener.held = listener.held.wrapping_add(change);
        }
    }

    /// Prepares the last callback of a connection, which runs now. The slot of one that has no socket any
    /// more is given back after it.
    pub(super) fn conn_ended(&mut self, index: u16) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        let state = slot.turn.state;
        if state & flag::CLOSING == 0 {
            // It has failed.
            slot.set_closing();
            self.conn_count(index, 0_u16.wrapping_sub(1));
        }
        if state & flag::RELEASED != 0 {
            self.conn_post(index, action::FREE);
        } else if state & flag::LINGERING != 0 {
            self.conn_lingering(index, |list, conns, id| list.push(conns, id));
        }
    }

    /// Takes the next step to the end of a connection, if it is time: requests that our end of the stream is
    /// sent, when the application has ended it and all output is sent. Lets a closed connection that has
    /// delivered everything wait for its peer's end, or ends it when that was received.
    pub(super) fn conn_go_on_ending(&mut self, index: u16) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        let state = slot.turn.state;
        if state & (flag::OPEN | flag::CLOSING) == 0 || slot.is_over() {
            return;
        }
        if state & (flag::FINISHED | flag::END_SENT) == flag::FINISHED && slot.output.len() == 0 {
            slot.turn.set(flag::END_SENT, true);
            return self.conn_post(index, action::END);
        }
        if state & (flag::CLOSING | flag::DELIVERED) != flag::CLOSING | flag::DELIVERED {
            return;
        }
        if state & (flag::EOF | flag::RECONNECTS) != 0 {
            return self.conn_release(index, action::CLOSE);
        }
        slot.turn.set(flag::LINGERING, true);
        self.conn_limit(index, self.close_limits.fin_wait);
        self.conn_lingering(index, |list, conns, id| list.push(conns, id));
    }

    /// Ends the wait for the peer's end of stream, if nothing else is waited for: the slot is needed.
    pub(super) fn conn_end_wait(&mut self, index: u16) {
        let slot = self.tables.conns.slot(index);
        if slot.is_some_and(|slot| slot.has(flag::LINGERING)) {
            self.conn_release(index, action::CLOSE);
        }
    }

    /// Has the back end drop the socket of a closed connection.
    fn conn_release(&mut self, index: u16, action: u8) {
        self.conn_stop_lingering(index);
        self.conn_post(index, action);
    }

    /// Puts a connection on the list of its pool's lingering ones, or takes it off. While its last callback
    /// is due, its links belong to the queue of due callbacks, so it is not on the list until that has run.
    fn conn_lingering(
        &mut self,
        index: u16,
        change: fn(&mut List, &mut Table<'_, ConnSlot<A>>, Id),
    ) {
        let Some(slot) = self.tables.conns.slot(index) else { return };
        if slot.turn.due() & due::ENDED == 0
            && let Some(pool) = self.pools.get_mut(slot.pool())
        {
            change(&mut pool.lingering, &mut self.tables.conns, Id::at(index));
        }
    }

    /// Ends a closed connection whose limit has passed.
    pub(super) fn conn_close_timed_out(&mut self, index: u16) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        slot.timeouts = [0; 2];
        // A system may still deliver what it has, which a reset would destroy.
        let action = if slot.has(flag::DELIVERED) { action::CLOSE } else { action::DROP };
        self.conn_release(index, action);
    }

    /// Gives a closed connection so many milliseconds from now.
    fn conn_limit(&mut self, index: u16, limit: u32) {
        if let Some(slot) = self.tables.conns.slot_mut(index) {
            slot.timeouts = [0, limit];
        }
        self.conn_progress(index, Direction::Write);
    }

    /// Ends a connection that the back end has no socket for any more, and gives its slot back, unless
    /// the application has not heard of the end yet, or connects again.
    #[inline(never)]
    pub(super) fn conn_give_back(&mut self, index: u16) {
        self.conn_forget(index, Code::ABORTED);
        self.conn_stop_lingering(index);
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        // A key that is left in the heap of timers means nothing any more.
        slot.timeouts = [0; 2];
        slot.pending.actions = 0;
        slot.turn.set(flag::RELEASED, true);
        if slot.turn.due() & due::ENDED != 0 {
            return;
        }
        if slot.has(flag::RECONNECTS)
            && let Some(rest) = self.hooks.conn_rest
        {
            return rest(self, index);
        }
        debug_assert!(!slot.turn.is_queued(), "nothing more comes of it");
        let pool = slot.pool();
        if let Some(pool) = self.pools.get_mut(pool) {
            self.tables.conns.give_back_to(&mut pool.free, index);
        }
    }

    fn conn_stop_lingering(&mut self, index: u16) {
        if let Some(slot) = self.tables.conns.slot_mut(index)
            && slot.has(flag::LINGERING)
        {
            slot.turn.set(flag::LINGERING, false);
            self.conn_lingering(index, |list, conns, id| list.remove(conns, id));
        }
    }

    /// Returns whether there is room for a connection of a pool: a free slot, or one that lingers.
    pub(crate) fn conn_has_room(&self, pool: u8) -> bool {
        let Some(pool) = self.pools.get(pool) else { return false };
        self.tables.conns.slot(pool.free).is_some()
            || self.outbox.may_evict() && !pool.lingering.is_empty()
    }

    /// Takes a slot of a pool for a new connection. If all are taken, that is the slot of the connection
    /// that lingers longest; the back end learns that with the next action.
    pub(crate) fn conn_insert(&mut self, pool: u8) -> Option<(Conn, &mut ConnSlot<A>)> {
        let slot = self.pools.get(pool)?;
        if self.tables.conns.slot(slot.free).is_none() && self.outbox.may_evict() {
            let index = slot.lingering.first.slot();
            let evicted = self.conn_evict(index)?;
            self.outbox.evict(evicted);
        }
        let pool = self.pools.get_mut(pool)?;
        self.tables.conns.insert_from(&mut pool.free)
    }

    fn conn_evict(&mut self, index: u16) -> Option<Conn> {
        let (conn, _) = self.tables.conns.at(index)?;
        self.conn_give_back(index);
        Some(conn)
    }
}

impl<A> ConnSlot<A> {
    /// Returns whether the back end is about to drop the socket, or has done so.
    pub(super) const fn is_over(&self) -> bool {
        self.pending.actions & (action::CLOSE | action::DROP) != 0 || self.has(flag::RELEASED)
    }
}

impl<A> EventBase<'_, A> {
    /// Frees every listener, and closes every UDP socket and every connection, for the end of a program; none
    /// connects again. The loop may have ended; [`EventBase::drain`] lets the back end deliver what is left. A
    /// connection below a filter that has something left to do is reset, since filters work in callbacks: close
    /// the one above, and wait for its end, before the loop ends. Events stay as they are.
    #[inline(never)]
    pub fn close_all(&mut self) {
        self.cx.recorder.note(|| Entry::CloseAll);
        for index in 0..self.cx.tables.listeners.capacity() as u16 {
            let held = self.cx.tables.listeners.at(index).filter(|(_, slot)| !slot.is_freed());
            if held.is_some() {
                self.cx.listener_free(index);
            }
        }
        self.cx.udp_close_all();
        for index in 0..self.cx.tables.conns.capacity() as u16 {
            if self.cx.tables.conns.at(index).is_none() {
                continue;
            }
            self.cx.conn_set_reconnects(index, false);
            self.cx.conn_close(index);
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
                // No callback runs, so none begins to linger.
                let is_over = |slot: &ConnSlot<A>| slot.has(flag::DELIVERED | flag::RELEASED);
                if self.cx.tables.conns.iter().all(|(_, slot)| is_over(slot)) {
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

    /// Ends a connection that waits for its peer's end of stream only, for a back end that needs its socket
    /// for another: of the first pool that has one, the one that lingers longest; otherwise one whose end
    /// has not been reported to the application yet. Returns its handle: the back end drops the socket.
    pub fn end_lingering(&mut self) -> Option<Conn> {
        self.cx.recorder.note(|| Entry::EndLingering);
        // Those in memory have no socket.
        let has_one = |pool: &&PoolSlot| !pool.lingering.is_empty() && !pool.is_in_memory();
        let oldest = self.cx.pools.iter().find(has_one);
        // The end of others was not reported yet, as after `close_all`. They keep their slot until then.
        let lingers = |(conn, slot): (Conn, &ConnSlot<A>)| {
            (slot.has(flag::LINGERING) && slot.peer.as_conn().is_none()).then_some(conn)
        };
        let index = match oldest {
            Some(pool) => pool.lingering.first.slot(),
            None => self.cx.tables.conns.iter().find_map(lingers)?.slot(),
        };
        self.cx.conn_evict(index)
    }

    /// Returns whether a connection lingers: the application has closed it, everything was delivered,
    /// and it waits for its peer's end of stream only.
    pub fn is_lingering(&self, conn: Conn) -> bool {
        self.cx.tables.conns.get(conn).is_some_and(|slot| slot.has(flag::LINGERING))
    }
}
