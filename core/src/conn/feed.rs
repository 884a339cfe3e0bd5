//! What a back end reports of connections, and how it reads and writes their bytes.
//!
//! Feeding only records: callbacks run in the dispatch that follows. A stale handle is ignored,
//! because a back end may hear of a connection after the application freed it.

use core::net::SocketAddr;

use super::Direction;
use super::firing::due;
use super::slot::{Phase, flag};
use crate::error::{AcceptError, ConnError};
use crate::handle::{Conn, Listener};
use crate::outbox::action;
use crate::record::Entry;
use crate::{EventBase, log};

impl<A> EventBase<'_, A> {
    /// Returns whether the connection table has room. Call it before accepting, so that every accepted
    /// connection can be kept.
    pub fn has_room(&self) -> bool {
        self.cx.conn_has_room()
    }

    /// Feeds an accepted connection: the listener's callback is due.
    ///
    /// # Errors
    /// [`AcceptError`] when the listener is gone or the table is full; the connection is still the
    /// back end's.
    pub fn accepted(&mut self, listener: Listener, peer: SocketAddr) -> Result<Conn, AcceptError> {
        let accepted = self.accept(listener, peer);
        self.cx.recorder.note(|| Entry::Accepted(listener, peer, accepted));
        accepted
    }

    fn accept(&mut self, listener: Listener, peer: SocketAddr) -> Result<Conn, AcceptError> {
        let held = self.cx.tables.listeners.get(listener).filter(|slot| !slot.is_freed());
        held.ok_or(AcceptError::NoListener)?;
        let (conn, slot) = self.cx.conn_insert().ok_or(AcceptError::Full)?;
        slot.begin(Phase::Open, peer.into());
        slot.listener = listener;
        slot.set_unaccepted(true);
        self.cx.conn_queue(conn.slot());
        Ok(conn)
    }

    /// Returns the address of a connection's peer, also while it is being closed. For back ends.
    pub fn peer_of(&self, conn: Conn) -> Option<SocketAddr> {
        self.cx.tables.conns.get(conn).map(|slot| slot.peer.into())
    }

    /// Feeds that an outgoing connection is established.
    pub fn connected(&mut self, conn: Conn) {
        self.cx.recorder.note(|| Entry::Connected(conn));
        let index = conn.slot();
        let Some(slot) = self.cx.tables.conns.get_mut(conn) else { return };
        match slot.phase() {
            Phase::Connecting => {
                slot.set_phase(Phase::Open);
                self.cx.conn_due(index, due::CONNECTED);
                self.cx.conn_post(index, action::SEND | action::RECEIVE);
                self.cx.conn_progress(index, Direction::Write);
                self.cx.conn_progress(index, Direction::Read);
                self.cx.conn_end_output(index);
            }
            Phase::Closing => self.cx.conn_post(index, action::SEND),
            Phase::Open | Phase::Failed => {}
        }
    }

    /// Returns the room for input, in the order it is to be filled, or `None` while no input is wanted:
    /// reading is disabled, or the ring is full. [`Action::Receive`](crate::Action::Receive) says
    /// when to call again.
    pub fn input(&mut self, conn: Conn) -> Option<(&mut [u8], &mut [u8])> {
        let slot = self.cx.tables.conns.get(conn)?;
        let room = slot.input.len() < self.cx.rings.input_len();
        if !slot.wants_input() || !room {
            return None;
        }
        Some(slot.input.space(self.cx.rings.input_mut(conn.index())))
    }

    /// Feeds that `amount` bytes were put into the room for input. Ignored before the connection is open,
    /// and after the end of the stream.
    pub fn received(&mut self, conn: Conn, amount: usize) {
        let Some(slot) = self.cx.tables.conns.get_mut(conn) else { return };
        if slot.phase() == Phase::Connecting || slot.has(flag::EOF) {
            return;
        }
        let amount = slot.input.commit(self.cx.rings.input_len(), amount);
        let is_full = slot.input.len() == self.cx.rings.input_len();
        if amount > 0 && slot.is_held() {
            self.cx.conn_due(conn.slot(), due::READ);
            self.cx.conn_progress(conn.slot(), Direction::Read);
        } else if is_full {
            // What a peer sends to a closed connection is discarded, in the next turn.
            self.cx.conn_post(conn.slot(), action::RECEIVE);
        }
        self.note_received(conn, amount);
    }

    /// Returns the bytes to send, oldest first; none before the connection is open, and none while writing
    /// is disabled, unless the connection is closing.
    pub fn output(&self, conn: Conn) -> (&[u8], &[u8]) {
        match self.cx.tables.conns.get(conn) {
            Some(slot) if slot.may_send() => slot.output.bytes(self.cx.rings.output(conn.index())),
            _ => (&[], &[]),
        }
    }

    /// Feeds that the oldest `amount` bytes were sent. Ignored before the connection is open.
    pub fn sent(&mut self, conn: Conn, amount: usize) {
        self.note_sent(conn, amount);
        let Some(slot) = self.cx.tables.conns.get_mut(conn) else { return };
        if slot.phase() == Phase::Connecting {
            return;
        }
        let amount = slot.output.consume(self.cx.rings.output_len(), amount);
        if amount == 0 {
            return;
        }
        let (is_held, is_drained) = (slot.is_held(), slot.output.len() == 0);
        if is_drained {
            self.cx.conn_end_output(conn.slot());
        }
        if is_held {
            if is_drained {
                self.cx.conn_due(conn.slot(), due::WRITE);
            }
            self.cx.conn_progress(conn.slot(), Direction::Write);
        }
    }

    /// Feeds that the peer has acknowledged our end of the stream ([`Action::End`](crate::Action::End))
    /// and all output before it, or that the system sees to that.
    pub fn delivered(&mut self, conn: Conn) {
        self.cx.recorder.note(|| Entry::Delivered(conn));
        let Some(slot) = self.cx.tables.conns.get_mut(conn) else { return };
        let was_asked = slot.has(flag::END_SENT) && slot.pending.actions & action::END == 0;
        if was_asked && !slot.has(flag::DELIVERED) {
            slot.turn.set(flag::DELIVERED, true);
            self.cx.conn_linger(conn.slot());
        }
    }

    /// Feeds that the peer will send no more. What came before can still be read.
    pub fn finished(&mut self, conn: Conn) {
        self.cx.recorder.note(|| Entry::Finished(conn));
        let Some(slot) = self.cx.tables.conns.get_mut(conn) else { return };
        if slot.has(flag::EOF) {
            return;
        }
        match slot.phase() {
            Phase::Open => {
                slot.turn.set(flag::EOF, true);
                self.cx.conn_activate(conn.slot(), due::EOF);
            }
            Phase::Closing => {
                slot.turn.set(flag::EOF, true);
                self.cx.conn_linger(conn.slot());
            }
            Phase::Connecting | Phase::Failed => {}
        }
    }

    /// Feeds that the connection has failed. The back end has dropped its socket. If the application has
    /// closed the connection already, or has not received it yet, its slot is given back here.
    pub fn failed(&mut self, conn: Conn, error: ConnError) {
        self.cx.recorder.note(|| Entry::Failed(conn, error));
        let Some(slot) = self.cx.tables.conns.get_mut(conn) else { return };
        match slot.phase() {
            Phase::Failed => {}
            Phase::Closing => self.cx.conn_give_back(conn.slot()),
            // The application does not know of it, so there is nothing to report.
            _ if slot.is_unaccepted() => self.cx.conn_give_back(conn.slot()),
            Phase::Connecting | Phase::Open => {
                log::conn_failed(conn, error);
                slot.set_phase(Phase::Failed);
                slot.error = error.into();
                slot.output.clear();
                self.cx.conn_due(conn.slot(), due::FAILED);
            }
        }
    }
}
