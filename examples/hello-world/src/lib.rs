//! libevent's hello-world, as an application of picoevent: it listens, answers each connection with
//! `Hello, World!`, closes it when the answer is sent, and ends two seconds after an interrupt.
//!
//! The crate is the whole application and depends on no device: `main.rs` runs it on real sockets,
//! the packages under `examples/boards` on embassy-net, and the test beside it on a script.

#![no_std]

use core::net::SocketAddr;
use core::time::Duration;

use picoevent::{ConnEnd, ConnMut, Cx, EventMut, Listener, Pool, Protocol, SetupError, Signal};

// Where the application's lines go.
#[cfg(feature = "defmt")]
use defmt::info as say;
#[cfg(not(feature = "defmt"))]
use log::info as say;

/// The port libevent's sample listens on.
pub const PORT: u16 = 9995;

/// The application.
#[derive(Default)]
pub struct Hello {
    exiting: bool,
}

impl Hello {
    /// Listens at an address with a pool for its clients, and waits for the interrupt.
    ///
    /// # Errors
    /// [`SetupError`] when the storage has no room for one event, one listener and the pool.
    pub fn start(cx: &mut Cx<Self>, at: SocketAddr, clients: Pool) -> Result<Listener, SetupError> {
        cx.on_signal(Signal::INT, Self::interrupted)?;
        let clients = cx.add_pool(clients)?;
        cx.listen::<Greeter>(at, clients)
    }

    fn interrupted(&mut self, event: &mut EventMut<Self>) {
        if !core::mem::replace(&mut self.exiting, true) {
            say!("Caught an interrupt signal; exiting cleanly in two seconds.");
            event.exit_after(Duration::from_secs(2));
        }
    }
}

/// Answers a client, and closes the connection when the answer is sent.
struct Greeter;

impl Protocol<Hello> for Greeter {
    /// How long a client may leave the answer unread; libevent's sample would wait for it.
    const STALL: Option<Duration> = Some(Duration::from_secs(60));

    fn opened(_: &mut Hello, conn: &mut ConnMut<Hello>) {
        if conn.write(b"Hello, World!\n").is_err() {
            say!("The output ring is too small for the answer.");
            conn.abort();
        }
    }

    /// Discards input, so that the client's end of stream can be seen.
    fn readable(_: &mut Hello, conn: &mut ConnMut<Hello>) {
        conn.consume(usize::MAX);
    }

    fn writable(_: &mut Hello, conn: &mut ConnMut<Hello>) {
        say!("flushed answer");
        conn.close();
    }

    /// A client that has closed its side first still gets what is queued.
    fn eof(_: &mut Hello, conn: &mut ConnMut<Hello>) {
        say!("Connection closed.");
        conn.close();
    }

    fn ended(_: &mut Hello, _: &mut ConnMut<Hello>, end: ConnEnd) {
        if let ConnEnd::Failed(error) = end {
            say!("Got an error on the connection: {}", error);
        }
    }
}
