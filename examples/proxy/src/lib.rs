//! A TCP proxy. For each client, the proxy connects to a server, and moves bytes in both directions.
//!
//! ```text
//!   client ──▶ input ring ──transfer──▶ output ring ──▶ server
//!   client ◀── output ring ◀─transfer── input ring  ◀── server
//! ```
//!
//! The pools of the proxy are [exchanging](Pool::exchanging): if the output ring is empty, a transfer exchanges the
//! input ring and the output ring, and copies no bytes.
//!
//! The connection to the client and the connection to the server are partners. When one side ends its stream, the proxy
//! sends the remaining bytes to the other side and then half-closes the connection to the other side. The opposite
//! direction continues. When one side is reset or cannot be reached, the proxy resets the other side, so that the other
//! side does not see a normal end of stream after truncated data. If a side accepts no bytes, the proxy stops reading
//! from the other side. After a minute the proxy drops the side that accepts no bytes.

#![no_std]

use core::net::SocketAddr;
use core::time::Duration;

use picoevent::{
    Conn, ConnEnd, ConnError, ConnMap, ConnMut, Cx, EventMut, Listener, Pool, PoolId, Protocol,
    SetupError, Signal,
};

// The application logs through defmt or log.
#[cfg(feature = "defmt")]
use defmt::info;
#[cfg(not(feature = "defmt"))]
use log::info;

/// The port the proxy listens on.
pub const PORT: u16 = 9996;

const STALL_TIMEOUT: Duration = Duration::from_secs(60);

/// Returns the pools of a proxy for `clients` clients at once, with rings of `ring` bytes. One pool is for the
/// clients, the other for the connections to the server.
pub const fn pools(clients: u16, ring: usize) -> [Pool; 2] {
    [Pool::new(clients).rings(ring, ring).exchanging(); 2]
}

/// The application, for `CLIENTS` clients at once.
pub struct Proxy<const CLIENTS: usize> {
    server: SocketAddr,
    /// The pool of the connections to the server.
    outgoing: Option<PoolId>,
    clients: ConnMap<Side, CLIENTS>,
    servers: ConnMap<Side, CLIENTS>,
}

/// The proxy's state of one of two partner connections.
struct Side {
    partner: Conn,
    /// Whether this side has ended its stream.
    has_ended: bool,
}

impl<const CLIENTS: usize> Proxy<CLIENTS> {
    /// Makes a proxy for the server at the address `server`.
    pub const fn new(server: SocketAddr) -> Self {
        Self { server, outgoing: None, clients: ConnMap::new(), servers: ConnMap::new() }
    }

    /// Listens on `address` with two pools of at most `CLIENTS` connections each; the function [`pools()`] returns such
    /// pools. Ends the loop on the interrupt signal.
    ///
    /// # Errors
    /// [`SetupError`] when the storage has no room for one event, one listener and the pools.
    pub fn start(
        &mut self,
        cx: &mut Cx<Self>,
        address: SocketAddr,
        pools: [Pool; 2],
    ) -> Result<Listener, SetupError> {
        cx.on_signal(Signal::INT, |_, event: &mut EventMut<Self>| event.exit())?;
        let [clients, servers] = cx.add_pools(pools)?;
        self.outgoing = Some(servers);
        cx.listen::<Relay>(address, clients)
    }

    /// Returns the side of a connection.
    fn side(&mut self, conn: Conn) -> Option<&mut Side> {
        self.clients.get_mut(conn).or(self.servers.get_mut(conn))
    }

    /// Connects to the server for a client.
    fn accept(&mut self, client: &mut ConnMut<Self>) -> Result<(), SetupError> {
        let pool = self.outgoing.ok_or(SetupError::NoPool)?;
        let server = client.cx().connect::<Relay>(self.server, pool)?;
        self.clients.of_or(client, || Side { partner: server, has_ended: false });
        let partner = client.id();
        if let Ok(server) = client.cx().conn(server) {
            self.servers.of_or(&server, || Side { partner, has_ended: false });
        }
        Ok(())
    }

    /// Moves the input of the side `from` to its partner, as far as the partner's output ring has room. If all input
    /// has moved and the side `from` has ended its stream, ends the stream to the partner, too.
    fn relay(&mut self, from: &mut ConnMut<Self>) {
        let Some(&mut Side { partner, has_ended }) = self.side(from.id()) else { return };
        // If the partner has ended, the side `from` ends soon, too.
        if from.transfer(partner).is_err() {
            return;
        }
        let has_more = from.input_len() > 0;
        let Ok(mut to) = from.cx().conn(partner) else { return };
        if has_more {
            to.wait_for_room(to.ring_sizes().1 / 2);
        } else if has_ended {
            to.finish();
            self.close_if_both_have_ended(&mut to);
        }
    }

    /// Closes both sides once both have ended their streams, and all input has moved.
    fn close_if_both_have_ended(&mut self, conn: &mut ConnMut<Self>) {
        let Some(&mut Side { partner, has_ended: true }) = self.side(conn.id()) else { return };
        if conn.input_len() > 0 {
            return;
        }
        conn.close();
        if let Ok(mut partner) = conn.cx().conn(partner) {
            partner.close();
        }
    }

    /// Removes a side that has ended. If the side's connection was lost, aborts the connection of the side's partner.
    fn end(&mut self, conn: &mut ConnMut<Self>, end: ConnEnd) {
        let side = self.clients.remove(conn.id()).or(self.servers.remove(conn.id()));
        if let (ConnEnd::Failed(error), Some(Side { partner, .. })) = (end, side)
            && let Ok(mut partner) = conn.cx().conn(partner)
        {
            partner.abort_with(error);
        }
    }
}

/// A connection to a client or to the server.
struct Relay;

impl<const CLIENTS: usize> Protocol<Proxy<CLIENTS>> for Relay {
    const STALL: Option<Duration> = Some(STALL_TIMEOUT);

    fn opened(app: &mut Proxy<CLIENTS>, conn: &mut ConnMut<Proxy<CLIENTS>>) {
        if conn.listener().is_some()
            && let Err(error) = app.accept(conn)
        {
            info!("no connection for a client: {}", error);
            conn.abort_with(ConnError::Refused);
        }
    }

    fn readable(app: &mut Proxy<CLIENTS>, conn: &mut ConnMut<Proxy<CLIENTS>>) {
        app.relay(conn);
    }

    /// Moves the partner's input, now that this connection's output ring has room.
    fn writable(app: &mut Proxy<CLIENTS>, conn: &mut ConnMut<Proxy<CLIENTS>>) {
        if let Some(&mut Side { partner, .. }) = app.side(conn.id())
            && let Ok(mut partner) = conn.cx().conn(partner)
        {
            app.relay(&mut partner);
        }
    }

    fn eof(app: &mut Proxy<CLIENTS>, conn: &mut ConnMut<Proxy<CLIENTS>>) {
        if let Some(side) = app.side(conn.id()) {
            side.has_ended = true;
        }
        app.relay(conn);
    }

    fn ended(app: &mut Proxy<CLIENTS>, conn: &mut ConnMut<Proxy<CLIENTS>>, end: ConnEnd) {
        if let ConnEnd::Failed(error) = end {
            let side =
                if conn.listener().is_some() { "a client" } else { "the server of a client" };
            info!("lost {}: {}", side, error);
        }
        app.end(conn, end);
    }
}
