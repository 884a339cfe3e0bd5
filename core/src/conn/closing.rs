//! The end of a connection, the same for all back ends.
//!
//! ```text
//!  close ─▶ output is sent ─▶ Action::End ─▶ delivered ─▶ the peer's end ─▶ Action::Close
//!                │                │                           │                      ▲
//!                └─ linger limit ─┴─▶ Action::Reset           └─── FIN wait limit ───┘
//! ```
//!
//! The base decides when our end of stream (FIN) is sent, because the base knows which output is unsent. The FIN is
//! sent after the output, both for `finish` and for `close`. If the back end dropped a socket that has unread input,
//! the connection would be reset, and the peer would lose data that it has not read yet. So a closed connection keeps
//! its slot until the peer has ended its own stream. The input of a closed connection is discarded.
//!
//! A connection that waits only for its peer's end of stream is *lingering*. When the pool is full, a new connection
//! takes the slot of the connection that has lingered longest.
//!
//! The application gets one `ended` callback. This callback becomes due as soon as the application can no longer use
//! the connection. The slot is freed when the `ended` callback has run and the back end has dropped the socket. A slot
//! has only one pair of list links. Until the `ended` callback has run, the queue of due callbacks uses these links. So
//! a connection joins the list of lingering connections only after its `ended` callback.

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

/// The default time that a closed connection has to deliver its output and our end of stream. After this time the
/// connection is reset. See [`Cx::set_close_limits`].
pub const LINGER: Duration = Duration::from_secs(10);

/// The default time for which a closed connection waits for its peer's end of stream, after everything was delivered
/// (FIN-WAIT-2, RFC 9293). After this time the socket is dropped. See [`Cx::set_close_limits`].
pub const FIN_WAIT: Duration = Duration::from_secs(2);

/// The time limits of closed connections, in milliseconds.
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
    /// Sets the time limits of closed connections: `linger` until everything is delivered, then `fin_wait` until the
    /// peer has ended its stream. The defaults are [`LINGER`] and [`FIN_WAIT`]. Both limits are rounded up to whole
    /// milliseconds, to at least one millisecond. They apply to connections that are closed from now on.
    pub fn set_close_limits(&mut self, linger: Duration, fin_wait: Duration) {
        let [linger, fin_wait] = [linger, fin_wait].map(|limit| millis(limit).max(1));
        self.close_limits = CloseLimits { linger, fin_wait };
    }

    /// Closes the connection in a slot after its output is sent.
    pub(super) fn conn_close(&mut self, index: u16) {
        self.conn_close_as(index, Code::CLOSED);
    }

    fn conn_close_as(&mut self, index: u16, end: Code) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        if !slot.is_in_use() {
            return;
        }
        slot.input.clear();
        // A connection without a socket ends at once. A connection that is still connecting ends at once
        // if it has no output.
        if !slot.is_open() && (slot.has(flag::RELEASED) || slot.output.len() == 0) {
            return self.conn_reset(index, end);
        }
        slot.node.set(flag::WRITE_ENABLED, true);
        self.conn_end(index, end);
        self.conn_limit(index, self.close_limits.linger);
        // From now on the connection waits for the peer's end of stream, even if reading was disabled.
        self.conn_post(index, action::RECEIVE | action::SEND);
        self.conn_go_on_ending(index);
    }

    /// Resets a connection. If the peer has ended its stream and no output is unsent, closes the connection instead,
    /// because then the streams of both directions are complete.
    pub(super) fn conn_abort(&mut self, index: u16, end: Code) {
        let Some(slot) = self.tables.conns.slot(index) else { return };
        if slot.is_open() && slot.has(flag::EOF) && slot.output.len() == 0 {
            self.conn_close_as(index, end);
        } else {
            self.conn_reset(index, end);
        }
    }

    /// Resets a connection and discards its output. If the connection has no socket, the back end gets no action.
    pub(crate) fn conn_reset(&mut self, index: u16, end: Code) {
        self.conn_end(index, end);
        // The output is cleared here. If it were kept, a later report, for example that the connection is established,
        // could request that the output is sent.
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        slot.output.clear();
        slot.timeouts = [0; 2];
        slot.pending.actions = 0;
        if !slot.has(flag::RELEASED) {
            self.conn_post(index, action::RESET);
        } else if slot.node.due() & due::ENDED == 0 {
            self.conn_post(index, action::FREE);
        }
    }

    /// Ends a connection: the application can no longer use it. Does nothing if the connection has ended already. From
    /// now on only the `ended` callback can run. If the connection was accepted, but its first callback has not run
    /// yet, `ended` does not run either. A connection that has failed keeps its error.
    #[inline(never)]
    fn conn_end(&mut self, index: u16, end: Code) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        if !slot.is_in_use() {
            return;
        }
        let is_known = !slot.is_unaccepted();
        if slot.node.state & (flag::RELEASED | flag::RESTING) != flag::RELEASED {
            slot.set_end(end);
        }
        slot.set_closing();
        slot.node.set_due(0);
        (slot.alarm_at, slot.alarm_every) = (Instant::ZERO, 0);
        let id = self.tables.conn_id(index);
        self.queues.remove(&mut self.tables, id);
        self.conn_stop_waiting(index);
        self.conn_count(index, 0_u16.wrapping_sub(1));
        if is_known {
            self.conn_activate(index, due::ENDED);
        }
    }

    /// Adds `change` to two counts of connections in use: the count of the connection's pool, and the count of its
    /// listener.
    pub(crate) fn conn_count(&mut self, index: u16, change: u16) {
        let Some(slot) = self.tables.conns.slot(index) else { return };
        if let Some(pool) = self.pools.get_mut(slot.pool()) {
            pool.in_use = pool.in_use.wrapping_add(change);
        }
        if let Some(listener) = self.tables.listeners.get_mut(slot.listener) {
            listener.in_use = listener.in_use.wrapping_add(change);
        }
    }

    /// Updates the state of a connection whose `ended` callback is called next. If the back end has no socket for the
    /// connection any more, the slot is freed after the callback.
    pub(super) fn conn_ended(&mut self, index: u16) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        let state = slot.node.state;
        if state & flag::CLOSING == 0 {
            // The connection has failed.
            slot.set_closing();
            self.conn_count(index, 0_u16.wrapping_sub(1));
        } else if slot.end() == Code::CLOSED {
            // Input that has arrived since the close is incomplete, because the close has discarded the input before it.
            slot.input.clear();
        }
        if state & flag::RELEASED != 0 {
            self.conn_post(index, action::FREE);
        } else if state & flag::LINGERING != 0 {
            self.conn_lingering(index, |list, conns, id| list.push(conns, id));
        }
    }

    /// Takes the next step of closing a connection, if there is one:
    ///
    /// * The application has ended its stream, and all output is sent: requests that the back end sends our end of the
    ///   stream.
    /// * The connection is closed, everything is delivered, and the peer has ended its stream: releases the connection.
    /// * The connection is closed, everything is delivered, and the connection will reconnect: releases the connection.
    /// * The connection is closed, everything is delivered, the peer has not ended its stream, and the connection will
    ///   not reconnect: lets the connection linger.
    pub(super) fn conn_go_on_ending(&mut self, index: u16) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        let state = slot.node.state;
        if state & (flag::OPEN | flag::CLOSING) == 0 || slot.is_over() {
            return;
        }
        if state & (flag::FINISHED | flag::END_SENT) == flag::FINISHED && slot.output.len() == 0 {
            slot.node.set(flag::END_SENT, true);
            return self.conn_post(index, action::END);
        }
        if state & (flag::CLOSING | flag::DELIVERED) != flag::CLOSING | flag::DELIVERED {
            return;
        }
        if state & (flag::EOF | flag::RECONNECTS) != 0 {
            return self.conn_release(index, action::CLOSE);
        }
        slot.node.set(flag::LINGERING, true);
        self.conn_limit(index, self.close_limits.fin_wait);
        self.conn_lingering(index, |list, conns, id| list.push(conns, id));
    }

    /// Releases a connection that is lingering, because it will reconnect. Does nothing for a connection that is not
    /// lingering.
    pub(super) fn conn_end_lingering(&mut self, index: u16) {
        let slot = self.tables.conns.slot(index);
        if slot.is_some_and(|slot| slot.has(flag::LINGERING)) {
            self.conn_release(index, action::CLOSE);
        }
    }

    /// Requests that the back end drops the socket of a closed connection.
    fn conn_release(&mut self, index: u16, action: u8) {
        self.conn_stop_lingering(index);
        self.conn_post(index, action);
    }

    /// Adds a connection to its pool's list of lingering connections, or removes the connection from the list. Does
    /// nothing while the `ended` callback is due, because the queue of due callbacks then uses the links of the slot.
    fn conn_lingering(
        &mut self,
        index: u16,
        change: fn(&mut List, &mut Table<'_, ConnSlot<A>>, Id),
    ) {
        let Some(slot) = self.tables.conns.slot(index) else { return };
        if slot.node.due() & due::ENDED == 0
            && let Some(pool) = self.pools.get_mut(slot.pool())
        {
            change(&mut pool.lingering, &mut self.tables.conns, Id::at(index));
        }
    }

    /// Ends a closed connection whose time limit has passed.
    pub(super) fn conn_close_timed_out(&mut self, index: u16) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        slot.timeouts = [0; 2];
        // After `delivered`, the operating system may still have buffered data to send, and a reset would discard this
        // data. So the socket of a delivered connection is closed, not reset.
        let action = if slot.has(flag::DELIVERED) { action::CLOSE } else { action::RESET };
        self.conn_release(index, action);
    }

    /// Sets the time limit of a closed connection to `limit` milliseconds from now.
    fn conn_limit(&mut self, index: u16, limit: u32) {
        if let Some(slot) = self.tables.conns.slot_mut(index) {
            slot.timeouts = [0, limit];
        }
        self.conn_restart_timeout(index, Direction::Write);
    }

    /// Ends a connection that has no socket any more, or whose socket the back end drops with the action that follows.
    /// Frees the slot of the connection, unless the
    /// `ended` callback is still due or the connection will reconnect.
    #[inline(never)]
    pub(super) fn conn_free(&mut self, index: u16) {
        self.conn_end(index, Code::ABORTED);
        self.conn_stop_lingering(index);
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        // The connection has no timeout any more. If it has a key in the heap of timers, the key is stale. The heap
        // removes a stale key when the key reaches the top.
        slot.timeouts = [0; 2];
        slot.pending.actions = 0;
        slot.node.set(flag::RELEASED, true);
        if slot.node.due() & due::ENDED != 0 {
            return;
        }
        if slot.has(flag::RECONNECTS)
            && let Some(rest) = self.hooks.conn_rest
        {
            return rest(self, index);
        }
        debug_assert!(!slot.node.is_queued(), "a freed connection has no due callback");
        let pool = slot.pool();
        if let Some(pool) = self.pools.get_mut(pool) {
            self.tables.conns.free_slot_to(&mut pool.free, index);
        }
    }

    fn conn_stop_lingering(&mut self, index: u16) {
        if let Some(slot) = self.tables.conns.slot_mut(index)
            && slot.has(flag::LINGERING)
        {
            slot.node.set(flag::LINGERING, false);
            self.conn_lingering(index, |list, conns, id| list.remove(conns, id));
        }
    }

    /// Returns whether a pool has room for a connection: a free slot, or the slot of a lingering connection.
    pub(crate) fn conn_has_room(&self, pool: u8) -> bool {
        let Some(pool) = self.pools.get(pool) else { return false };
        self.tables.conns.slot(pool.free).is_some()
            || self.outbox.may_evict() && !pool.lingering.is_empty()
    }

    /// Takes a slot of a pool for a new connection. If no slot is free, ends the connection that has lingered longest
    /// and takes its slot. In this case the next action that the back end takes is to close the socket of the ended
    /// connection. Returns `None` if no slot is free and no connection lingers. Also returns `None` if no slot is free
    /// and the back end has not yet closed the socket of the connection that was ended before for this reason.
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
        self.conn_free(index);
        Some(conn)
    }
}

impl<A> ConnSlot<A> {
    /// Returns whether the back end is about to drop the socket, or has done so.
    pub(super) const fn is_over(&self) -> bool {
        self.pending.actions & (action::CLOSE | action::RESET) != 0 || self.has(flag::RELEASED)
    }
}

impl<A> EventBase<'_, A> {
    /// Frees all listeners and closes all UDP sockets and connections, at the end of a program. No connection
    /// reconnects. The loop may have ended already. Call [`EventBase::drain`] afterwards to deliver the remaining
    /// output. The application's events ([`EventMut`](crate::EventMut)) are not changed.
    ///
    /// A filter moves bytes in callbacks, and no callback runs after the end of the loop. So the connection below a
    /// filter is reset, unless the filter has already [finished](crate::Filter::finish) the stream of this connection.
    /// To avoid the reset, close the connection above the filter and wait for its end before the loop ends.
    #[inline(never)]
    pub fn close_all(&mut self) {
        self.read_idle_clock();
        self.cx.recorder.record(|| Entry::CloseAll);
        for index in 0..self.cx.tables.listeners.capacity() as u16 {
            let listener = self.cx.tables.listeners.at(index).filter(|(_, slot)| !slot.is_freed());
            if listener.is_some() {
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

    /// Lets the back end deliver the remaining output of closed connections, after [`EventBase::close_all`]. No
    /// callback runs. Returns [`Poll::Ready`] when everything is delivered or the [time limits](Cx::set_close_limits)
    /// have passed. Does not wait until the peers have ended their streams. After [`Poll::Pending`], call `drain` again
    /// to continue, as for [`iterate`](EventBase::iterate).
    ///
    /// # Errors
    /// The error of the back end.
    pub fn drain<B: Backend<A>>(&mut self, back_end: &mut B) -> Poll<Result<(), B::Error>> {
        loop {
            if !core::mem::take(&mut self.cx.state.waiting) {
                self.settle(back_end)?;
                // A delivered connection counts as over: `drain` does not wait for the peer's end of stream.
                let is_over = |slot: &ConnSlot<A>| slot.has(flag::DELIVERED | flag::RELEASED);
                if self.cx.tables.conns.iter().all(|(_, slot)| is_over(slot)) {
                    return Poll::Ready(Ok(()));
                }
                let has_actions = !self.cx.outbox.is_empty();
                let deadline =
                    if has_actions { Instant::ZERO } else { self.cx.first_conn_deadline() };
                let until = deadline.min(back_end.deadline(self));
                ready!(self.wait_until(until, back_end))?;
            }
            self.take_reports(back_end);
            self.end_overdue();
        }
    }

    /// Ends the closed connections whose time limit has passed.
    pub(crate) fn end_overdue(&mut self) {
        self.cx.recorder.record(|| Entry::Overdue);
        self.cx.expire();
    }

    /// Ends a lingering connection, for a back end that needs the socket for another connection. Returns the
    /// connection's handle; the back end must drop the socket. The function searches the pools with sockets, in order,
    /// for a pool whose list of lingering connections is not empty, and ends the connection that has lingered longest
    /// in this pool. If all lists are empty, the function ends a lingering connection whose `ended` callback has not
    /// run yet. Returns `None` if no connection lingers.
    pub fn end_lingering(&mut self) -> Option<Conn> {
        self.cx.recorder.record(|| Entry::EndLingering);
        // Connections in memory have no socket.
        let has_one = |pool: &&PoolSlot| !pool.lingering.is_empty() && !pool.is_in_memory();
        let oldest = self.cx.pools.iter().find(has_one);
        // A lingering connection whose `ended` callback has not run yet, for example after `close_all`, is on no list.
        // This connection keeps its slot until the callback has run.
        let lingers = |(conn, slot): (Conn, &ConnSlot<A>)| {
            (slot.has(flag::LINGERING) && slot.peer.as_conn().is_none()).then_some(conn)
        };
        let index = match oldest {
            Some(pool) => pool.lingering.first.slot(),
            None => self.cx.tables.conns.iter().find_map(lingers)?.slot(),
        };
        self.cx.conn_evict(index)
    }

    /// Returns whether a connection lingers: the application has closed the connection, everything is delivered, and
    /// only the peer's end of stream has not arrived yet.
    pub fn is_lingering(&self, conn: Conn) -> bool {
        self.cx.tables.conns.get(conn).is_some_and(|slot| slot.has(flag::LINGERING))
    }
}
