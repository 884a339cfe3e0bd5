//! Pairs: two connections in memory that are each other's peers (`bufferevent_pair_new`).
//!
//! ```text
//!   one     output ring ──▶ input ring    the other
//!           input ring  ◀── output ring
//! ```
//!
//! A connection in memory has no socket. The actions of such a connection are not passed to the back end. Instead,
//! [`Cx::conn_action`] calls the hook `conn_act`, and this module carries out the action. So both connections of a pair
//! behave like connections over a network to a peer that answers at once.

use super::{ConnSlot, Direction, OnConn, Protocol, Settings};
use crate::Cx;
use crate::address::Address;
use crate::error::{ConnError, SetupError};
use crate::handle::Conn;
use crate::outbox::action;
use crate::pool::PoolId;
use crate::ring::copy;

/// The size of the buffer on the stack through which bytes are moved.
pub(super) const SCRATCH: usize = 64;

/// Connections in memory.
impl<A> Cx<'_, A> {
    /// Makes two connections that are each other's peers, from pools [in memory](crate::Pool::in_memory). Both are
    /// [opened](Protocol::opened). Bytes that are written to one connection are read from the other connection. When
    /// one connection is half-closed or closed, the other gets the end of the stream. When one connection is aborted,
    /// the other is reset.
    ///
    /// Here an application tests its console through a pair, without a network:
    ///
    /// ```
    /// use picoevent::{Conn, ConnMut, Cx, PoolId, Protocol, SetupError};
    /// # struct App;
    /// struct Console;
    /// struct Operator;
    ///
    /// impl Protocol<App> for Console {
    ///     fn readable(_: &mut App, conn: &mut ConnMut<App>) {
    ///         let _ = conn.transfer(conn.id());
    ///     }
    /// }
    ///
    /// impl Protocol<App> for Operator {
    ///     fn opened(_: &mut App, conn: &mut ConnMut<App>) {
    ///         let _ = conn.write(b"help\n");
    ///     }
    ///
    ///     fn readable(_: &mut App, conn: &mut ConnMut<App>) {
    ///         assert_eq!(conn.peek().0, b"help\n");
    ///         conn.close();
    ///     }
    /// }
    ///
    /// fn start(cx: &mut Cx<App>, inner: PoolId) -> Result<[Conn; 2], SetupError> {
    ///     cx.pair::<Console, Operator>([inner, inner])
    /// }
    /// # let _ = start;
    /// ```
    ///
    /// # Errors
    /// [`SetupError::NeedsMemoryPool`] if a pool is not in memory. The other errors are the same as for
    /// [`outgoing`](Self::outgoing), without [`SetupError::MemoryPool`]. After an error neither connection exists.
    pub fn pair<P: Protocol<A>, Q: Protocol<A>>(
        &mut self,
        pools: [PoolId; 2],
    ) -> Result<[Conn; 2], SetupError> {
        self.pair_with([(pools[0], P::SETTINGS, P::event), (pools[1], Q::SETTINGS, Q::event)])
    }

    /// Does the same as [`pair`](Self::pair), with plain functions as callbacks.
    ///
    /// # Errors
    /// The same as for [`pair`](Self::pair).
    pub fn pair_with(
        &mut self,
        ends: [(PoolId, &'static Settings, OnConn<A>); 2],
    ) -> Result<[Conn; 2], SetupError> {
        let [(one_pool, one_settings, one_call), (pool, settings, call)] = ends;
        let one = self.conn_in_memory(one_pool, one_settings, one_call)?;
        let other = match self.conn_in_memory(pool, settings, call) {
            Ok(other) => other,
            Err(error) => {
                self.conn_free_unused(one);
                return Err(error);
            }
        };
        self.conn_set_peer(one, other);
        self.conn_set_peer(other, one);
        self.conn_connected(one);
        self.conn_connected(other);
        Ok([one, other])
    }

    /// Takes a connection from `pool`, which must be a pool for connections in memory. The connection has no peer yet.
    pub(super) fn conn_in_memory(
        &mut self,
        pool: PoolId,
        settings: &'static Settings,
        call: OnConn<A>,
    ) -> Result<Conn, SetupError> {
        let slot = self.pools.added(pool).ok_or(SetupError::NoPool)?;
        if !slot.is_in_memory() {
            return Err(SetupError::NeedsMemoryPool);
        }
        self.hooks.conn_act = Some(|cx, index, action| cx.conn_act(index, action));
        // If the pool has no free slot, the new connection takes the slot of the connection that has lingered longest.
        // For connections with sockets, `conn_insert` does the same. If the lingering connection is above a filter, the
        // close action also closes the connection below the filter.
        let is_used_up = self.tables.conns.slot(slot.free).is_none();
        if is_used_up && !slot.is_full() && !slot.lingering.is_empty() {
            self.conn_act(slot.lingering.first.slot(), action::CLOSE);
        }
        self.conn_from_pool(pool, settings, call)
    }

    /// Frees a connection whose handle was not returned to the application.
    fn conn_free_unused(&mut self, conn: Conn) {
        let Some(slot) = self.tables.conns.get(conn) else { return };
        let pool = slot.pool();
        self.conn_count(conn.slot(), 0_u16.wrapping_sub(1));
        if let Some(pool) = self.pools.get_mut(pool) {
            self.tables.conns.free_slot_to(&mut pool.free, conn.slot());
        }
    }

    pub(super) fn conn_set_peer(&mut self, conn: Conn, peer: Conn) {
        if let Some(slot) = self.tables.conns.get_mut(conn) {
            slot.leave_rest();
            slot.peer = Address::of_conn(peer);
        }
    }

    /// Carries out an action for a connection in memory. Returns `false` if the back end must carry out the action.
    fn conn_act(&mut self, index: u16, action: u8) -> bool {
        let Some((conn, _)) = self.tables.conns.at(index) else { return false };
        if action == action::END && self.conn_reset_unfinished(conn) {
            return true;
        }
        let Some(slot) = self.tables.conns.get(conn) else { return true };
        let Some(peer) = slot.peer.as_conn() else { return false };
        if !self.is_pair(conn, peer) {
            self.conn_act_filtered(conn, peer, action);
            return true;
        }
        match action {
            action::SEND => self.conn_move_bytes(conn, peer),
            action::RECEIVE => self.conn_move_bytes(peer, conn),
            action::END => {
                self.conn_peer_finished(peer);
                self.conn_delivered(conn);
            }
            action::FREE | action::CLOSE => self.conn_free(index),
            action::RESET => {
                self.conn_free(index);
                self.conn_failed(peer, ConnError::Reset.found(Direction::Read));
            }
            _ => {}
        }
        true
    }

    /// Returns whether the peer of a connection in memory is the other connection of a pair. If not, the connection
    /// is above a filter.
    fn is_pair(&self, conn: Conn, peer: Conn) -> bool {
        match self.tables.conns.get(peer) {
            Some(slot) => slot.peer.as_conn() == Some(conn),
            None => true,
        }
    }

    /// Moves output of `from` to the input of `to`, while there is room. All bytes that `conn_output` returns and that
    /// fit are reported as received together, even if they are in two slices. So the order of callbacks does not depend
    /// on whether the bytes wrap around the end of the ring.
    fn conn_move_bytes(&mut self, from: Conn, to: Conn) {
        if self.tables.conns.get(to).is_none() {
            // The slot of the other connection is already freed, so nothing can receive this output. A connection that
            // has nothing to send does not fail.
            let is_in_use = self.tables.conns.get(from).is_some_and(ConnSlot::is_in_use);
            if !is_in_use || !self.conn_output(from).0.is_empty() {
                self.conn_failed(from, ConnError::Reset.found(Direction::Write));
            }
            return;
        }
        let mut scratch = [0; SCRATCH];
        loop {
            let mut amount = 0_usize;
            loop {
                let (first, second) = self.conn_output(from);
                let rest = match amount.checked_sub(first.len()) {
                    None => first.get(amount..),
                    Some(offset) => second.get(offset..),
                };
                let available = copy(&mut scratch, rest.unwrap_or_default());
                let written =
                    self.conn_write_input(to, amount, scratch.get(..available).unwrap_or_default());
                if written == 0 {
                    break;
                }
                amount = amount.saturating_add(written);
            }
            if amount == 0 {
                return;
            }
            self.conn_report_input(to, amount);
            self.conn_sent(from, amount);
        }
    }

    /// Writes bytes to the input of a connection in memory, as many as fit, and reports them as received.
    pub(super) fn conn_fill(&mut self, conn: Conn, bytes: &[u8]) {
        let amount = self.conn_write_input(conn, 0, bytes);
        self.conn_report_input(conn, amount);
    }

    /// Writes bytes into the free space of the input of a connection in memory, after the first `offset` bytes of the
    /// space. Returns the number of bytes that fit. A closed connection accepts and discards all bytes.
    fn conn_write_input(&mut self, conn: Conn, offset: usize, bytes: &[u8]) -> usize {
        let Some(slot) = self.tables.conns.get(conn).filter(|slot| slot.wants_input()) else {
            return 0;
        };
        if !slot.is_in_use() {
            return bytes.len();
        }
        let (mut input, storage) = (slot.input, self.pools.input_mut(slot.rings(), conn.slot()));
        input.commit(storage.len(), offset);
        input.write(storage, bytes)
    }

    /// Reports to the connection that it has received the bytes that `conn_write_input` has written.
    fn conn_report_input(&mut self, conn: Conn, amount: usize) {
        if amount > 0 && self.tables.conns.get(conn).is_some_and(ConnSlot::is_in_use) {
            self.conn_received(conn, amount);
        }
    }
}
