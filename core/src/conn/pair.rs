//! Pairs: two connections in memory that are each other's peers (`bufferevent_pair_new`).
//!
//! ```text
//!   one     output ring ──▶ input ring    the other
//!           input ring  ◀── output ring
//! ```
//!
//! A connection in memory has no socket. This module does its actions instead of a back end: [`Cx::conn_action`] calls
//! the hook before it creates an action for the back end. So both connections of a pair behave like connections over a
//! network to a peer that answers at once.

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
    /// [opened](Protocol::opened). Bytes written to one are read from the other. When one is finished, the other gets
    /// the end of the stream. When one is aborted, the other is reset.
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
    /// As [`outgoing`](Self::outgoing), and [`SetupError::NeedsMemoryPool`] if a pool is for sockets. Neither
    /// connection is made then.
    pub fn pair<P: Protocol<A>, Q: Protocol<A>>(
        &mut self,
        pools: [PoolId; 2],
    ) -> Result<[Conn; 2], SetupError> {
        self.pair_with([(pools[0], P::SETTINGS, P::event), (pools[1], Q::SETTINGS, Q::event)])
    }

    /// As [`pair`](Self::pair), with plain functions as callbacks.
    ///
    /// # Errors
    /// As [`pair`](Self::pair).
    pub fn pair_with(
        &mut self,
        ends: [(PoolId, &'static Settings, OnConn<A>); 2],
    ) -> Result<[Conn; 2], SetupError> {
        let [(one_pool, one_settings, one_call), (pool, settings, call)] = ends;
        let one = self.conn_in_memory(one_pool, one_settings, one_call)?;
        let other = match self.conn_in_memory(pool, settings, call) {
            Ok(other) => other,
            Err(error) => {
                self.conn_take_back(one);
                return Err(error);
            }
        };
        self.conn_set_peer(one, other);
        self.conn_set_peer(other, one);
        self.conn_connected(one);
        self.conn_connected(other);
        Ok([one, other])
    }

    /// Takes a connection from a pool in memory. The connection has no peer yet.
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
        self.hooks.conn_carry = Some(|cx, index, action| cx.conn_carry(index, action));
        // As with sockets, a new connection may take the slot of a lingering connection. If the lingering connection
        // is above a filter, the connection below the filter is closed.
        let is_used_up = self.tables.conns.slot(slot.free).is_none();
        if is_used_up && !slot.is_full() && !slot.lingering.is_empty() {
            self.conn_carry(slot.lingering.first.slot(), action::CLOSE);
        }
        self.conn_from_pool(pool, settings, call)
    }

    /// Frees a connection that the application has never seen.
    fn conn_take_back(&mut self, conn: Conn) {
        let Some(slot) = self.tables.conns.get(conn) else { return };
        let pool = slot.pool();
        self.conn_count(conn.slot(), 0_u16.wrapping_sub(1));
        if let Some(pool) = self.pools.get_mut(pool) {
            self.tables.conns.give_back_to(&mut pool.free, conn.slot());
        }
    }

    pub(super) fn conn_set_peer(&mut self, conn: Conn, peer: Conn) {
        if let Some(slot) = self.tables.conns.get_mut(conn) {
            slot.leave_rest();
            slot.peer = Address::of_conn(peer);
        }
    }

    /// Does an action for a connection in memory, instead of a back end. Returns `false` if the back end
    /// must do the action.
    fn conn_carry(&mut self, index: u16, action: u8) -> bool {
        let Some((conn, _)) = self.tables.conns.at(index) else { return false };
        if action == action::END && self.conn_cut_off(conn) {
            return true;
        }
        let Some(slot) = self.tables.conns.get(conn) else { return true };
        let Some(peer) = slot.peer.as_conn() else { return false };
        if !self.is_pair(conn, peer) {
            self.conn_carry_filtered(conn, peer, action);
            return true;
        }
        match action {
            action::SEND => self.conn_carry_bytes(conn, peer),
            action::RECEIVE => self.conn_carry_bytes(peer, conn),
            action::END => {
                self.conn_finished(peer);
                self.conn_delivered(conn);
            }
            action::FREE | action::CLOSE => self.conn_give_back(index),
            action::DROP => {
                self.conn_give_back(index);
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

    /// Moves output of `from` to the input of `to`, while there is room. Each part of the output is reported as one
    /// receive, as a socket does. So the order of callbacks does not depend on where the bytes wrap in the ring.
    fn conn_carry_bytes(&mut self, from: Conn, to: Conn) {
        if self.tables.conns.get(to).is_none() {
            // The other connection has ended without waiting for the end of this stream.
            return self.conn_failed(from, ConnError::Reset.found(Direction::Write));
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
                let held = copy(&mut scratch, rest.unwrap_or_default());
                let put = self.conn_put(to, amount, scratch.get(..held).unwrap_or_default());
                if put == 0 {
                    break;
                }
                amount = amount.saturating_add(put);
            }
            if amount == 0 {
                return;
            }
            self.conn_has_been_put(to, amount);
            self.conn_sent(from, amount);
        }
    }

    /// Writes bytes to the input of a connection in memory, as many as fit.
    pub(super) fn conn_fill(&mut self, conn: Conn, bytes: &[u8]) {
        let amount = self.conn_put(conn, 0, bytes);
        self.conn_has_been_put(conn, amount);
    }

    /// Writes bytes into the free space of the input of a connection in memory, after the first `offset` bytes of the
    /// space. Returns the number of bytes that fit. A closed connection accepts and discards all bytes.
    fn conn_put(&mut self, conn: Conn, offset: usize, bytes: &[u8]) -> usize {
        let Some(slot) = self.tables.conns.get(conn).filter(|slot| slot.wants_input()) else {
            return 0;
        };
        if !slot.is_held() {
            return bytes.len();
        }
        let (mut input, storage) = (slot.input, self.pools.input_mut(slot.rings(), conn.slot()));
        input.commit(storage.len(), offset);
        input.write(storage, bytes)
    }

    /// Reports to the connection that it has received the bytes that `conn_put` has written.
    fn conn_has_been_put(&mut self, conn: Conn, amount: usize) {
        if amount > 0 && self.tables.conns.get(conn).is_some_and(ConnSlot::is_held) {
            self.conn_received(conn, amount);
        }
    }
}
