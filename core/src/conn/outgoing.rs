//! Outgoing connections: connecting and reconnecting. A connection at rest has a slot and a handle, but no socket.
//!
//! ```text
//!            connect_after           delay over          opened
//!   at rest ───────────────▶ waiting ────────▶ connecting ─────▶ open
//!      ▲                                           │               │
//!      └───────── connect_after in `ended` ────────┴───────────────┘
//! ```

use core::net::SocketAddr;
use core::time::Duration;

use super::slot::flag;
use super::{ConnMut, OnConn, Protocol, Settings, Tuning};
use crate::error::{Code, ConnectError, SetupError};
use crate::handle::{Conn, Listener};
use crate::outbox::action;
use crate::pool::PoolId;
use crate::time::millis;
use crate::{Cx, Instant};

/// Making connections.
impl<'s, A> Cx<'s, A> {
    /// Opens a connection to `address`, with a slot from a pool. The result is always reported later, by the callback
    /// [`opened`](Protocol::opened) or [`ended`](Protocol::ended) of `P`.
    ///
    /// Data can be written before the connection is established. It is sent when the connection is established.
    ///
    /// ```
    /// use core::net::SocketAddr;
    /// use picoevent::{Backoff, ConnEnd, ConnMut, Cx, PoolId, Protocol, SetupError};
    ///
    /// struct App {
    ///     collector: SocketAddr,
    ///     backoff: Backoff,
    /// }
    ///
    /// struct Uplink;
    ///
    /// impl Protocol<App> for Uplink {
    ///     fn opened(_: &mut App, conn: &mut ConnMut<App>) {
    ///         let _ = conn.write(b"hello\n");
    ///     }
    ///
    ///     fn readable(app: &mut App, conn: &mut ConnMut<App>) {
    ///         // The collector answers, so it works. That it has accepted the connection would not be enough: a full
    ///         // server accepts connections and closes them.
    ///         app.backoff.reset();
    ///         conn.consume(usize::MAX);
    ///     }
    ///
    ///     /// Reconnects the same connection, which keeps its handle and its rings.
    ///     fn ended(app: &mut App, conn: &mut ConnMut<App>, _: ConnEnd) {
    ///         let delay = app.backoff.next_delay(conn.cx());
    ///         let _ = conn.connect_after(delay, app.collector);
    ///     }
    /// }
    ///
    /// fn start(app: &App, cx: &mut Cx<App>, pool: PoolId) -> Result<(), SetupError> {
    ///     cx.connect::<Uplink>(app.collector, pool)?;
    ///     Ok(())
    /// }
    /// # let _ = start;
    /// ```
    ///
    /// # Errors
    /// The same as for [`outgoing`](Self::outgoing).
    pub fn connect<P: Protocol<A>>(
        &mut self,
        address: SocketAddr,
        pool: PoolId,
    ) -> Result<Conn, SetupError> {
        self.connect_with(address, pool, P::SETTINGS, P::event)
    }

    /// Does the same as [`connect`](Self::connect), with a plain function as callback.
    ///
    /// # Errors
    /// The same as for [`outgoing`](Self::outgoing).
    pub fn connect_with(
        &mut self,
        address: SocketAddr,
        pool: PoolId,
        settings: &'static Settings,
        call: OnConn<A>,
    ) -> Result<Conn, SetupError> {
        let conn = self.outgoing_with(pool, settings, call)?;
        self.conn_connect_after(conn.slot(), 0, address);
        Ok(conn)
    }

    /// Takes a connection from a pool. [`ConnMut::connect`] opens it later. Until then the connection is at rest: it
    /// has a slot, rings and a handle, but no socket.
    ///
    /// # Errors
    /// [`SetupError::NoPool`] if `pool` is not a pool of this base, [`SetupError::MemoryPool`] if the pool is in memory.
    /// [`SetupError::PoolFull`] if all connections of the pool are in use, or the slots of closed connections are not
    /// free yet. Of the connections that only wait for their peer's end of stream, one callback can replace one.
    /// [`SetupError::Room`], [`SetupError::Marks`] or [`SetupError::Busy`] if the rings of the pool are too short for
    /// the protocol's settings.
    pub fn outgoing<P: Protocol<A>>(&mut self, pool: PoolId) -> Result<Conn, SetupError> {
        self.outgoing_with(pool, P::SETTINGS, P::event)
    }

    /// Does the same as [`outgoing`](Self::outgoing), with a plain function as callback.
    ///
    /// # Errors
    /// The same as for [`outgoing`](Self::outgoing).
    pub fn outgoing_with(
        &mut self,
        pool: PoolId,
        settings: &'static Settings,
        call: OnConn<A>,
    ) -> Result<Conn, SetupError> {
        self.needs_sockets(pool)?;
        self.conn_from_pool(pool, settings, call)
    }
}

impl<A> Cx<'_, A> {
    /// Takes a connection from a pool. The connection is at rest.
    pub(super) fn conn_from_pool(
        &mut self,
        pool: PoolId,
        settings: &'static Settings,
        call: OnConn<A>,
    ) -> Result<Conn, SetupError> {
        self.fits_pool(pool, settings)?;
        if self.pools.get(pool.0).is_none_or(|pool| pool.is_full()) {
            return Err(SetupError::PoolFull);
        }
        let (conn, slot) = self.conn_insert(pool.0).ok_or(SetupError::PoolFull)?;
        slot.begin(pool.0, settings, call);
        slot.node.set(flag::RESTING | flag::RELEASED, true);
        self.conn_count(conn.slot(), 1);
        Ok(conn)
    }
}

/// Outgoing connections.
impl<A> ConnMut<'_, '_, A> {
    /// Connects to `address` now. This is [`connect_after`](Self::connect_after) with a delay of zero.
    ///
    /// # Errors
    /// The same as for [`connect_after`](Self::connect_after).
    pub fn connect(&mut self, address: SocketAddr) -> Result<(), ConnectError> {
        self.connect_after(Duration::ZERO, address)
    }

    /// Connects to `address` after `delay`. Call this method for a connection at rest, or in the `ended` callback, to
    /// reconnect. A reconnecting connection keeps its slot, its rings and its handle. If the back end is still sending
    /// output that was written before the connection ended, the connect begins when this output is delivered. A later
    /// call replaces the delay and the address. [`Cx::connect`] has an example.
    ///
    /// # Errors
    /// [`ConnectError`] if the connection is connecting or open, was accepted by a listener, is in memory, or has a
    /// filter above it.
    pub fn connect_after(
        &mut self,
        delay: Duration,
        address: SocketAddr,
    ) -> Result<(), ConnectError> {
        let slot = self.cx.tables.conns.get(self.conn).ok_or(ConnectError::Ended)?;
        if slot.listener != Listener::NONE {
            return Err(ConnectError::Accepted);
        }
        if slot.is_in_use() && !slot.has(flag::RESTING) {
            return Err(ConnectError::InUse);
        }
        if slot.peer.as_conn().is_some() {
            return Err(ConnectError::InMemory);
        }
        // The connection belongs to its filter, which cannot begin again.
        if slot.above().is_some() {
            return Err(ConnectError::Ended);
        }
        self.cx.conn_connect_after(self.conn.slot(), millis(delay), address);
        Ok(())
    }

    /// Returns whether the connection is at rest: it has no socket. A connection is also at rest during the delay
    /// before a connect.
    pub fn is_resting(&self) -> bool {
        self.slot().is_some_and(|slot| slot.has(flag::RESTING))
    }
}

impl<A> Cx<'_, A> {
    /// Sets the next address and the connect time of a connection that is at rest or has ended.
    pub(super) fn conn_connect_after(&mut self, index: u16, delay: u32, address: SocketAddr) {
        let now = self.now;
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        // The connection was closed before the back end got the action to open it. The back end would connect to the
        // new address, and send output for the old address to it. So the output is discarded.
        let is_redirected = !slot.has(flag::RESTING)
            && slot.pending.actions & action::OPEN != 0
            && SocketAddr::from(slot.peer) != address;
        slot.peer = address.into();
        slot.set_alarm(now, delay, 0);
        self.hooks.conn_alarm = Some(|cx, index, step| cx.conn_alarm(index, step));
        self.hooks.conn_rest = Some(|cx, index| cx.conn_rest(index));
        if !self.tables.conns.slot(index).is_some_and(|slot| slot.has(flag::RESTING)) {
            self.conn_set_reconnects(index, true);
            if is_redirected {
                self.conn_reset(index, Code::ABORTED);
            }
            return self.conn_end_lingering(index);
        }
        if delay == 0 {
            return self.conn_start_connect(index);
        }
        self.conn_arm(index);
    }

    /// Sets whether a connection that has ended reconnects. The pool counts a connection that will reconnect as in use.
    pub(super) fn conn_set_reconnects(&mut self, index: u16, reconnects: bool) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        if slot.has(flag::RECONNECTS) != reconnects {
            slot.node.set(flag::RECONNECTS, reconnects);
            self.conn_count(index, if reconnects { 1 } else { 0_u16.wrapping_sub(1) });
        }
    }

    /// Sets a connection that has ended to the state at rest, in which it waits for its connect time. If this time has
    /// passed already, starts the connect.
    pub(super) fn conn_rest(&mut self, index: u16) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        let at = slot.alarm_at;
        slot.begin_again();
        slot.node.set(flag::RESTING | flag::RELEASED, true);
        slot.alarm_at = at;
        if let (Some(sent), Some((conn, _))) = (self.hooks.static_sent, self.tables.conns.at(index))
        {
            // The unsent output is lost. This call frees the slots of its static bytes.
            sent(self, conn, 0);
        }
        if at <= self.now {
            return self.conn_start_connect(index);
        }
        self.conn_arm(index);
    }

    /// Starts the connect of a connection at rest.
    pub(super) fn conn_start_connect(&mut self, index: u16) {
        let Some(slot) = self.tables.conns.slot_mut(index) else { return };
        slot.node.set(flag::RESTING | flag::RELEASED, false);
        slot.alarm_at = Instant::ZERO;
        let is_tuned = slot.tuning() != Tuning::DEFAULT;
        self.conn_post(index, action::OPEN | if is_tuned { action::TUNE } else { 0 });
        self.conn_restart_connect_timeout(index);
    }
}
