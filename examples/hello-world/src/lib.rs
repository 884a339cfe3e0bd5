//! libevent's hello-world on picoevent. The server sends `Hello, World!` to each client, closes the connection when the
//! answer is sent, and ends two seconds after an interrupt.
//!
//! The crate is the whole application and does not depend on a particular board. `main.rs` runs the application on real
//! sockets, the packages in `examples/boards` run the application on embassy-net, and `tests/scripted.rs` runs the
//! application on a scripted back end.

#![no_std]

use core::net::SocketAddr;
use core::time::Duration;

use picoevent::{ConnEnd, ConnMut, Cx, EventMut, Listener, Pool, Protocol, SetupError, Signal};

// The application logs through defmt or log.
#[cfg(feature = "defmt")]
use defmt::info;
#[cfg(not(feature = "defmt"))]
use log::info;

/// The port that libevent's sample listens on.
pub const PORT: u16 = 9995;

/// The application.
#[derive(Default)]
pub struct Hello {
    is_exiting: bool,
}

impl Hello {
    /// Listens on the address `at` with the pool `clients`. Ends the loop two seconds after the interrupt signal.
    ///
    /// # Errors
    /// [`SetupError`] when the storage has no room for one event, one listener and the pool.
    pub fn start(cx: &mut Cx<Self>, at: SocketAddr, clients: Pool) -> Result<Listener, SetupError> {
        cx.on_signal(Signal::INT, Self::interrupted)?;
        let clients = cx.add_pool(clients)?;
        cx.listen::<Greeter>(at, clients)
    }

    fn interrupted(&mut self, event: &mut EventMut<Self>) {
        if !core::mem::replace(&mut self.is_exiting, true) {
            info!("Caught an interrupt signal; exiting cleanly in two seconds.");
            event.exit_after(Duration::from_secs(2));
        }
    }
}

/// Answers a client, and closes the connection when the answer is sent.
struct Greeter;

impl Protocol<Hello> for Greeter {
    /// The time limit for a client that does not read the answer. libevent's sample would wait forever.
    const STALL: Option<Duration> = Some(Duration::from_secs(60));

    fn opened(_: &mut Hello, conn: &mut ConnMut<Hello>) {
        if conn.write(b"Hello, World!\n").is_err() {
            info!("The output ring is too small for the answer.");
            conn.abort();
        }
    }

    /// Discards input, so that the client's end of stream is reported.
    fn readable(_: &mut Hello, conn: &mut ConnMut<Hello>) {
        conn.consume(usize::MAX);
    }

    fn writable(_: &mut Hello, conn: &mut ConnMut<Hello>) {
        info!("flushed answer");
        conn.close();
    }

    /// Closes the connection. A client that ends its stream first still gets the queued output.
    fn eof(_: &mut Hello, conn: &mut ConnMut<Hello>) {
        info!("Connection closed.");
        conn.close();
    }

    fn ended(_: &mut Hello, _: &mut ConnMut<Hello>, end: ConnEnd) {
        if let ConnEnd::Failed(error) = end {
            info!("Got an error on the connection: {}", error);
        }
    }
}
