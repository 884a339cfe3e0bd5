//! A back end's interface to connections. The back end reports the events of a connection, reads its output and writes
//! its input.
//!
//! These functions update the connection and make callbacks due, but call no callback; the callbacks run in the next
//! pass. Stale handles are ignored, because a back end may report about a connection that the application has just
//! closed or aborted.

use core::net::SocketAddr;

use super::firing::due;
use super::slot::flag;
use super::{ConnMut, Direction};
use crate::error::{AcceptError, Failure};
use crate::handle::{Conn, Listener};
use crate::listener::ListenerSlot;
use crate::outbox::action;
use crate::pool::PoolSlot;
use crate::record::Entry;
use crate::ring::copy;
use crate::{Cx, EventBase, Instant, log};

impl<A> EventBase<'_, A> {
    /// Returns whether the listener's pool has room for another connection. A back end calls this function before it
    /// accepts a connection, so that the base takes every accepted connection.
    pub fn has_room(&self, listener: Listener) -> bool {
        let Some(slot) = self.cx.tables.listeners.get(listener) else { return false };
        // A listener is busy if it has reached its limit, or its pool is full. A busy listener accepts a client only if
        // it has a busy text, and only to send this text.
        (slot.answers_when_busy() || !self.is_busy(slot)) && self.cx.conn_has_room(slot.pool())
    }

    /// Returns whether a listener has reached its limit of connections, or its pool is full.
    fn is_busy(&self, slot: &ListenerSlot<A>) -> bool {
        slot.is_at_limit() || self.cx.pools.get(slot.pool()).is_none_or(PoolSlot::is_full)
    }

    /// Reports an accepted connection. Its `opened` callback becomes due. If the listener has reached its limit or its
    /// pool is full, the base sends the [busy text](crate::Settings::busy) to the client instead, and closes the
    /// connection.
    ///
    /// # Errors
    /// [`AcceptError`] if the listener does not exist any more or cannot take another connection. After an error the
    /// base stores nothing about the connection, and the back end must drop the socket or keep it for a later call.
    pub fn accepted(&mut self, listener: Listener, peer: SocketAddr) -> Result<Conn, AcceptError> {
        let accepted = self.accept(listener, peer);
        self.cx.recorder.record(|| Entry::Accepted(listener, peer, accepted));
        accepted
    }

    fn accept(&mut self, listener: Listener, peer: SocketAddr) -> Result<Conn, AcceptError> {
        let slot = self.cx.tables.listeners.get(listener).filter(|slot| !slot.is_freed());
        let slot = slot.ok_or(AcceptError::NoListener)?;
        let (pool, call, settings) = (slot.pool(), slot.call, slot.settings);
        let (Some(call), Some(settings)) = (call, settings) else {
            return Err(AcceptError::NoListener);
        };
        let is_busy = self.is_busy(slot);
        if is_busy && !slot.answers_when_busy() {
            return Err(AcceptError::Full);
        }
        let (conn, slot) = self.cx.conn_insert(pool).ok_or(AcceptError::Full)?;
        slot.begin(pool, settings, call);
        slot.disable(Direction::Read);
        (slot.peer, slot.listener) = (peer.into(), listener);
        slot.node.set(flag::OPEN | flag::UNACCEPTED, true);
        slot.node.add_due(due::OPENED);
        self.cx.conn_count(conn.slot(), 1);
        if is_busy {
            ConnMut::new(&mut self.cx, conn).write_some(settings.busy);
            self.cx.conn_close(conn.slot());
        } else {
            self.cx.conn_queue(conn.slot());
        }
        Ok(conn)
    }

    /// Returns the address of a connection's peer, even while the connection is being closed. For back ends.
    pub fn peer_of(&self, conn: Conn) -> Option<SocketAddr> {
        self.cx.tables.conns.get(conn).map(|slot| slot.peer.into())
    }

    /// Reports that an outgoing connection is established.
    pub fn connected(&mut self, conn: Conn) {
        self.cx.recorder.record(|| Entry::Connected(conn));
        self.cx.conn_connected(conn);
    }

    /// Returns the free space for input, in the order in which the back end must fill it. Returns `None` while the base
    /// accepts no input, for example because reading is disabled, or because the ring is full or holds as many bytes as
    /// its high mark. When the base accepts input again, [`Action::Receive`](crate::Action::Receive) requests that the
    /// back end calls this function again.
    pub fn input(&mut self, conn: Conn) -> Option<(&mut [u8], &mut [u8])> {
        let slot = self.cx.tables.conns.get(conn)?;
        let rings = slot.rings();
        let room = slot.input.len() < self.cx.pools.input_len(rings);
        if !slot.wants_input() || !room {
            return None;
        }
        Some(slot.input.space(self.cx.pools.input_mut(rings, conn.slot())))
    }

    /// Reports that `amount` bytes were written to the free space that [`input`](Self::input) returned. Does nothing
    /// before the connection is open, and after the peer's end of stream.
    pub fn received(&mut self, conn: Conn, amount: usize) {
        if let Some(amount) = self.cx.conn_received(conn, amount) {
            self.record_received(conn, amount);
        }
    }

    /// Returns the bytes to send, oldest first. Returns empty slices before the connection is open, and while writing
    /// is disabled. A closing connection sends its output even if writing is disabled.
    ///
    /// If the output contains [static bytes](ConnMut::write_static), each call returns only the next part of the
    /// output: the bytes in the ring up to the next static bytes, or the static bytes. When a part was sent,
    /// [`Action::Send`](crate::Action::Send) requests that the back end sends the next part.
    pub fn output(&self, conn: Conn) -> (&[u8], &[u8]) {
        self.cx.conn_output(conn)
    }

    /// Reports that the oldest `amount` bytes of the output were sent. Does nothing before the connection is open.
    pub fn sent(&mut self, conn: Conn, amount: usize) {
        self.record_sent(conn, amount);
        self.cx.conn_sent(conn, amount);
    }

    /// Reports that all output and our end of stream ([`Action::End`](crate::Action::End)) are delivered: the peer has
    /// acknowledged them. A back end on an operating system calls this function as soon as the system has taken the
    /// output and the end of stream, because the system then delivers both even if the socket is dropped.
    pub fn delivered(&mut self, conn: Conn) {
        self.cx.recorder.record(|| Entry::Delivered(conn));
        self.cx.conn_delivered(conn);
    }

    /// Reports that the peer has ended its stream. Input that was received before can still be read.
    pub fn peer_finished(&mut self, conn: Conn) {
        self.cx.recorder.record(|| Entry::PeerFinished(conn));
        self.cx.conn_peer_finished(conn);
    }

    /// Reports that a connection has failed. `failure` contains the error. It also contains the
    /// [direction](crate::ConnError::found) (reading or writing), if the back end knows whether the error was found
    /// when it read or when it wrote. The back end has already dropped the socket. If the application has closed the
    /// connection, or the first callback of an accepted connection has not run yet, this function frees the slot.
    pub fn failed(&mut self, conn: Conn, failure: impl Into<Failure>) {
        let failure = failure.into();
        self.cx.recorder.record(|| Entry::Failed(conn, failure));
        self.cx.conn_failed(conn, failure);
    }
}

/// The effects of the reports. The code for connections in memory uses these functions too.
impl<A> Cx<'_, A> {
    pub(super) fn conn_connected(&mut self, conn: Conn) {
        let index = conn.slot();
        let Some(slot) = self.tables.conns.get_mut(conn) else { return };
        if slot.has(flag::CLOSING) {
            return self.conn_post(index, action::SEND);
        }
        if slot.has(flag::OPEN | flag::RELEASED) {
            return;
        }
        slot.node.set(flag::OPEN, true);
        self.conn_activate(index, due::OPENED);
        self.conn_post(index, action::SEND | action::RECEIVE);
        self.conn_restart_timeout(index, Direction::Write);
        self.conn_restart_timeout(index, Direction::Read);
        self.conn_go_on_ending(index);
    }

    pub(super) fn conn_received(&mut self, conn: Conn, amount: usize) -> Option<usize> {
        let slot = self.tables.conns.get_mut(conn)?;
        if !slot.has(flag::OPEN | flag::CLOSING) || slot.has(flag::EOF) {
            return None;
        }
        let size = self.pools.input_len(slot.rings());
        let amount = slot.input.commit(size, amount);
        let is_full = slot.input.len() == size;
        if amount > 0 && slot.is_in_use() {
            self.conn_activate(conn.slot(), due::READ);
            self.conn_restart_timeout(conn.slot(), Direction::Read);
        } else if is_full {
            // The connection is closed. The action `RECEIVE` discards its input in the next iteration.
            self.conn_post(conn.slot(), action::RECEIVE);
        }
        Some(amount)
    }

    pub(super) fn conn_output(&self, conn: Conn) -> (&[u8], &[u8]) {
        let Some(slot) = self.tables.conns.get(conn).filter(|slot| slot.may_send()) else {
            return (&[], &[]);
        };
        match self.hooks.static_output {
            None => slot.output.bytes(self.pools.output(slot.rings(), conn.slot())),
            Some(output) => output(self, conn, 0),
        }
    }

    /// Copies the oldest bytes of the output to `target`, across the end of the ring and across static bytes. Returns
    /// their number.
    pub(super) fn conn_copy_output(&self, conn: Conn, target: &mut [u8]) -> usize {
        let Some(slot) = self.tables.conns.get(conn).filter(|slot| slot.may_send()) else {
            return 0;
        };
        let Some(output) = self.hooks.static_output else {
            return slot.output.copy_out(self.pools.output(slot.rings(), conn.slot()), target);
        };
        let mut copied = 0_usize;
        loop {
            let (first, second) = output(self, conn, copied);
            for part in [first, second] {
                let room = target.get_mut(copied..).unwrap_or_default();
                copied = copied.saturating_add(copy(room, part));
            }
            if first.is_empty() || copied >= target.len() {
                return copied;
            }
        }
    }

    pub(super) fn conn_sent(&mut self, conn: Conn, amount: usize) {
        let Some(slot) = self.tables.conns.get(conn) else { return };
        if !slot.has(flag::OPEN | flag::CLOSING) {
            return;
        }
        let sent = self.hooks.static_sent;
        let amount = sent.map_or(amount, |sent| sent(self, conn, amount));
        let Some(slot) = self.tables.conns.get_mut(conn) else { return };
        let size = self.pools.output_len(slot.rings());
        let before = slot.due_with_room(&self.pools);
        let amount = slot.output.consume(size, amount);
        if amount == 0 {
            return;
        }
        let (is_in_use, is_drained) = (slot.is_in_use(), slot.output.len() == 0);
        let room = slot.due_with_room(&self.pools);
        let has_room = room & !before & due::NEED_ANSWER_ROOM != 0;
        // The `readable` callback may have waited until the output has room for an answer. It becomes due now.
        let readable = if has_room && slot.input.len() > 0 { due::READ } else { 0 };
        let writable = room & due::WRITE;
        if is_drained {
            slot.pending.actions &= !action::SEND;
            self.conn_go_on_ending(conn.slot());
        }
        if is_in_use {
            if writable | readable != 0 || has_room {
                self.conn_activate(conn.slot(), writable | readable);
            }
            self.conn_restart_timeout(conn.slot(), Direction::Write);
        }
    }

    pub(super) fn conn_delivered(&mut self, conn: Conn) {
        let Some(slot) = self.tables.conns.get_mut(conn) else { return };
        let was_requested = slot.has(flag::END_SENT) && slot.pending.actions & action::END == 0;
        if was_requested && !slot.has(flag::DELIVERED) {
            slot.node.set(flag::DELIVERED, true);
            self.conn_go_on_ending(conn.slot());
        }
    }

    pub(super) fn conn_peer_finished(&mut self, conn: Conn) {
        let Some(slot) = self.tables.conns.get_mut(conn) else { return };
        if slot.has(flag::EOF) || !slot.has(flag::OPEN | flag::CLOSING) {
            return;
        }
        slot.node.set(flag::EOF, true);
        if slot.is_open() {
            self.conn_activate(conn.slot(), due::EOF);
        } else {
            self.conn_go_on_ending(conn.slot());
        }
    }

    pub(super) fn conn_failed(&mut self, conn: Conn, failure: Failure) {
        let Some(slot) = self.tables.conns.get_mut(conn) else { return };
        // The application has closed the connection, or the first callback of an accepted connection has not run yet.
        // So there is nothing to report.
        if slot.has(flag::CLOSING | flag::UNACCEPTED) {
            return self.conn_free(conn.slot());
        }
        if slot.has(flag::RELEASED) {
            return;
        }
        log::conn_failed(conn, failure);
        // Output that was not sent is lost, so it is not reported as written.
        let lost = due::WRITE & !slot.due_with_room(&self.pools);
        slot.clear_due(lost | due::ALARM);
        slot.node.set(flag::OPEN, false);
        slot.node.set(flag::RELEASED | flag::FINISHED, true);
        slot.set_end(failure.0);
        slot.output.clear();
        // The back end has nothing left to do for the connection.
        slot.pending.actions = 0;
        (slot.alarm_at, slot.alarm_every) = (Instant::ZERO, 0);
        self.conn_activate(conn.slot(), due::ENDED);
    }
}
