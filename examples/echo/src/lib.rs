//! An echo server on picoevent. It sends back what a client sends.
//!
//! Bytes move from a connection's input ring to its output ring, as far as the output ring has room. If a client does
//! not read, both rings become full and the server stops receiving from this client. The server drops a client that
//! sends nothing for a minute, and a client that reads none of its pending bytes for a minute.

#![no_std]

use core::net::SocketAddr;
use core::time::Duration;

use picoevent::{ConnEnd, ConnMut, Cx, EventMut, Listener, Pool, Protocol, SetupError, Signal};

// The application logs through defmt or log.
#[cfg(feature = "defmt")]
use defmt::info;
#[cfg(not(feature = "defmt"))]
use log::info;

/// The port the server listens on. The example `hello-world` has the same port.
pub const PORT: u16 = 9995;

const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The application.
#[derive(Default)]
pub struct Echo {}

impl Echo {
    /// Makes the application.
    pub const fn new() -> Self {
        Self {}
    }

    /// Listens on `address` with the pool `clients`. Ends the loop on the interrupt signal.
    ///
    /// # Errors
    /// [`SetupError`] when the storage has no room for one event, one listener and the pool.
    pub fn start(
        cx: &mut Cx<Self>,
        address: SocketAddr,
        clients: Pool,
    ) -> Result<Listener, SetupError> {
        cx.on_signal(Signal::INT, Self::interrupted)?;
        let clients = cx.add_pool(clients)?;
        cx.listen::<Mirror>(address, clients)
    }

    fn interrupted(&mut self, event: &mut EventMut<Self>) {
        event.exit();
    }
}

/// A connection that sends back what it receives, as far as the output ring has room. The remaining bytes stay in the
/// input ring. This protocol does not use the application's state, so any application can use it.
pub struct Mirror;

impl<A> Protocol<A> for Mirror {
    const IDLE: Option<Duration> = Some(IDLE_TIMEOUT);
    const STALL: Option<Duration> = Some(IDLE_TIMEOUT);

    fn readable(_: &mut A, conn: &mut ConnMut<A>) {
        let _ = conn.transfer(conn.id());
    }

    fn ended(_: &mut A, _: &mut ConnMut<A>, end: ConnEnd) {
        if let ConnEnd::Failed(error) = end {
            info!("lost a client: {}", error);
        }
    }
}
