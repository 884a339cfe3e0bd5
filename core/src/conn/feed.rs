//! A back end's interface to connections: it reports what happened to them, and reads and writes their bytes.
//!
//! These functions only record what happened; the callbacks run in the dispatch that follows. Stale handles are
//! ignored, because a back end may report about a connection that the application has just closed or aborted.

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
use crate::{Cx, EventBase, Instant, log};

impl<A> EventBase<'_, A> {
    /// Returns whether the listener's pool has room for another connection. Call it before accepting, so that every
    /// accepted connection can be kept.
    pub fn has_room(&self, listener: Listener) -> bool {
        let Some(held) = self.cx.tables.listeners.get(listener) else { return false };
        // A busy listener accepts one more connection only if it has a busy text to send.
        (held.answers_when_busy() || !self.is_busy(held)) && self.cx.conn_has_room(held.pool())
    }

    /// Returns whether a listener has reached its limit of connections, or its pool is full.
    fn is_busy(&self, held: &ListenerSlot<A>) -> bool {
        held.is_at_limit() || self.cx.pools.get(held.pool()).is_none_or(PoolSlot::is_full)
    }

    /// Feeds an accepted connection: its first callback becomes due. If the listener is busy, the base sends the busy
    /// text on the connection and closes it.
    ///
    /// # Errors
    /// [`AcceptError`] if the listener does not exist any more or its pool is full. The connection then still belongs
    /// to the back end.
    pub fn accepted(&mut self, listener: Listener, peer: SocketAddr) -> Result<Conn, AcceptError> {
        let accepted = self.accept(listener, peer);
        self.cx.recorder.note(|| Entry::Accepted(listener, peer, accepted));
        accepted
    }

    fn accept(&mut self, listener: Listener, peer: SocketAddr) -> Result<Conn, AcceptError> {
        let held = self.cx.tables.listeners.get(listener).filter(|slot| !slot.is_freed());
        let held = held.ok_or(AcceptError::NoListener)?;
        let (pool, call, settings) = (held.pool(), held.call, held.settings);
        let (Some(call), Some(settings)) = (call, settings) else {
            return Err(AcceptError::NoListener);
        };
        let is_busy = self.is_busy(held);
        if is_busy && !held.answers_when_busy() {
            return Err(AcceptError::Full);
        }
        let (conn, slot) = self.cx.conn_insert(pool).ok_or(AcceptError::Full)?;
        slot.begin(pool, settings, call);
        slot.disable(Direction::Read);
        (slot.peer, slot.listener) = (peer.into(), listener);
        slot.turn.set(flag::OPEN | flag::UNACCEPTED, true);
        slot.turn.add_due(due::OPENED);
        self.cx.conn_count(conn.slot(), 1);
        if is_busy {
            ConnMut::new(&mut self.cx, conn).write_some(settings.busy);
            self.cx.conn_close(conn.slot());
        } else {
            self.cx.conn_queue(conn.slot());
        }
        Ok(conn)
    }

    /// Returns the address of a connection's peer, also while it is being closed. For back ends.
    pub fn peer_of(&self, conn: Conn) -> Option<SocketAddr> {
        self.cx.tables.conns.get(conn).map(|slot| slot.peer.into())
    }

    /// Feeds that an outgoing connection is established.
    pub fn connected(&mut self, conn: Conn) {
        self.cx.recorder.note(|| Entry::Connected(conn));
        self.cx.conn_connected(conn);
    }

    /// Returns the free space for input, in the order to fill it. `None` while no input is wanted: reading is disabled,
    /// or the ring is full or at its high mark. [`Action::Receive`](crate::Action::Receive) tells the back end to call
    /// this again.
    pub fn input(&mut self, conn: Conn) -> Option<(&mut [u8], &mut [u8])> {
        let slot = self.cx.tables.conns.get(conn)?;
        let rings = slot.rings();
        let room = slot.input.len() < self.cx.pools.input_len(rings);
        if !slot.wants_input() || !room {
            return None;
        }
        Some(slot.input.space(self.cx.pools.input_mut(rings, conn.slot())))
    }

    /// Feeds that `amount` bytes were written to the free space returned by [`input`](Self::input). Ignored before the
    /// connection is open, and after the end of the stream.
    pub fn received(&mut self, conn: Conn, amount: usize) {
        if let Some(amount) = self.cx.conn_received(conn, amount) {
            self.note_received(conn, amount);
        }
    }

    /// Returns the bytes to send, oldest first. Empty before the connection is open, and while writing is disabled,
    /// unless the connection is closing. If the output contains [static bytes](ConnMut::write_static), only the part up
    /// to the beginning or the end of a static piece is returned. When that part is sent,
    /// [`Action::Send`](crate::Action::Send) follows.
    pub fn output(&self, conn: Conn) -> (&[u8], &[u8]) {
        self.cx.conn_output(conn)
    }

    /// Feeds that the oldest `amount` bytes were sent. Ignored before the connection is open.
    pub fn sent(&mut self, conn: Conn, amount: usize) {
        self.note_sent(conn, amount);
        self.cx.conn_sent(conn, amount);
    }

    /// Feeds that the peer has acknowledged our end of the stream ([`Action::End`](crate::Action::End)) and all output
    /// before it, or that the operating system delivers them from now on.
    pub fn delivered(&mut self, conn: Conn) {
        self.cx.recorder.note(|| Entry::Delivered(conn));
        self.cx.conn_delivered(conn);
    }

    /// Feeds that the peer has ended its stream. Input received before can still be read.
    pub fn finished(&mut self, conn: Conn) {
        self.cx.recorder.note(|| Entry::Finished(conn));
        self.cx.conn_finished(conn);
    }

    /// Feeds that the connection has failed, with the [direction that found the error](crate::ConnError::found), if
    /// any. The back end has dropped its socket. If the application has already closed the connection, or does not know
    /// of it yet, its slot is freed here.
    pub fn failed(&mut self, conn: Conn, failure: impl Into<Failure>) {
        let failure = failure.into();
        self.cx.recorder.note(|| Entry::Failed(conn, failure));
        self.cx.conn_failed(conn, failure);
    }
}

/// The effects of these reports, also used for connections in memory.
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
        slot.turn.set(flag::OPEN, true);
        self.conn_activate(index, due::OPENED);
        self.conn_post(index, action::SEND | action::RECEIVE);
        self.conn_progress(index, Direction::Write);
        self.conn_progress(index, Direction::Read);
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
        if amount > 0 && slot.is_held() {
            self.conn_activate(conn.slot(), due::READ);
            self.conn_progress(conn.slot(), Direction::Read);
        } else if is_full {
            // Input of a closed connection is discarded in the next turn.
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
            Some(output) => output(self, conn),
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
        let before = slot.has_room_for(&self.pools);
        let amount = slot.output.consume(size, amount);
        if amount == 0 {
            return;
        }
        let (is_held, is_drained) = (slot.is_held(), slot.output.len() == 0);
        let room = slot.has_room_for(&self.pools);
        let has_room = room & !before & due::ANSWERED != 0;
        // Input that was held back until there is room for an answer is reported now.
        let readable = if has_room && slot.input.len() > 0 { due::READ } else { 0 };
        let writable = room & due::WRITE;
        if is_drained {
            slot.pending.actions &= !action::SEND;
            self.conn_go_on_ending(conn.slot());
        }
        if is_held {
            if writable | readable != 0 || has_room {
                self.conn_activate(conn.slot(), writable | readable);
            }
            self.conn_progress(conn.slot(), Direction::Write);
        }
    }

    pub(super) fn conn_delivered(&mut self, conn: Conn) {
        let Some(slot) = self.tables.conns.get_mut(conn) else { return };
        let was_asked = slot.has(flag::END_SENT) && slot.pending.actions & action::END == 0;
        if was_asked && !slot.has(flag::DELIVERED) {
            slot.turn.set(flag::DELIVERED, true);
            self.conn_go_on_ending(conn.slot());
        }
    }

    pub(super) fn conn_finished(&mut self, conn: Conn) {
        let Some(slot) = self.tables.conns.get_mut(conn) else { return };
        if slot.has(flag::EOF) || !slot.has(flag::OPEN | flag::CLOSING) {
            return;
        }
        slot.turn.set(flag::EOF, true);
        if slot.is_open() {
            self.conn_activate(conn.slot(), due::EOF);
        } else {
            self.conn_go_on_ending(conn.slot());
        }
    }

    pub(super) fn conn_failed(&mut self, conn: Conn, failure: Failure) {
        let Some(slot) = self.tables.conns.get_mut(conn) else { return };
        // The application has closed it, or does not know of it, so there is nothing to report.
        if slot.has(flag::CLOSING | flag::UNACCEPTED) {
            return self.conn_give_back(conn.slot());
        }
        if slot.has(flag::RELEASED) {
            return;
        }
        log::conn_failed(conn, failure);
        slot.turn.set(flag::OPEN, false);
        slot.turn.set(flag::RELEASED | flag::FINISHED, true);
        slot.set_end(failure.0);
        slot.output.clear();
        // The back end has nothing left to do for it.
        slot.pending.actions = 0;
        (slot.alarm_at, slot.alarm_every) = (Instant::ZERO, 0);
        self.conn_activate(conn.slot(), due::ENDED);
    }
}
