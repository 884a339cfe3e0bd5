//! libevent's hello-world, as an application of picoevent: it listens, answers each connection with
//! `Hello, World!`, closes it when the answer is sent, and ends two seconds after an interrupt.
//!
//! The crate is the whole application and depends on no device: `main.rs` runs it on real sockets,
//! the packages under `examples/boards` on embassy-net, and the test beside it on a script.

#![no_std]

use core::net::SocketAddr;
use core::time::Duration;

use picoevent::{Conn, ConnEvent, Cx, Direction, Event, Full, Listener, Signal, What};

// Where the application's lines go.
#[cfg(feature = "defmt")]
use defmt::info as say;
#[cfg(not(feature = "defmt"))]
use log::info as say;

/// The port libevent's sample listens on.
pub const PORT: u16 = 9995;

const GREETING: &[u8] = b"Hello, World!\n";
const EXIT_DELAY: Duration = Duration::from_secs(2);
/// How long a client may leave the answer unread.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// The application.
#[derive(Default)]
pub struct Hello {
    exiting: bool,
}

impl Hello {
    /// Makes an application that has not been interrupted.
    pub const fn new() -> Self {
        Self { exiting: false }
    }

    /// Listens on `address`, and for the interrupt.
    ///
    /// # Errors
    /// [`Full`] when the storage has no room for one event and one listener.
    pub fn start(cx: &mut Cx<Self>, address: SocketAddr) -> Result<Listener, Full> {
        cx.on_signal(Signal::INT, Self::interrupted)?;
        cx.listen(address, Self::accepted)
    }

    fn accepted(&mut self, cx: &mut Cx<Self>, conn: Conn) {
        let Ok(mut conn) = cx.conn(conn) else { return };
        conn.on_read(Self::received).on_write(Self::flushed).on_event(Self::ended);
        conn.set_timeouts(None, Some(WRITE_TIMEOUT)).enable(Direction::Read);
        if conn.write(GREETING).is_err() {
            say!("The output ring is too small for the answer.");
            conn.free();
        }
    }

    /// Discards input, so that the client's end of stream can be seen.
    fn received(&mut self, cx: &mut Cx<Self>, conn: Conn) {
        if let Ok(mut conn) = cx.conn(conn) {
            conn.consume(usize::MAX);
        }
    }

    fn flushed(&mut self, cx: &mut Cx<Self>, conn: Conn) {
        say!("flushed answer");
        if let Ok(conn) = cx.conn(conn) {
            conn.close();
        }
    }

    /// Closes the connection. A client that closed its side first still gets what is queued. A client
    /// that reads nothing for a minute is dropped; libevent's sample would wait for it.
    fn ended(&mut self, cx: &mut Cx<Self>, conn: Conn, event: ConnEvent) {
        match event {
            ConnEvent::Eof => say!("Connection closed."),
            ConnEvent::Failed(error) => say!("Got an error on the connection: {}", error),
            ConnEvent::Timeout(_) => say!("Let a client go that does not listen."),
            ConnEvent::Connected => return,
        }
        if let Ok(conn) = cx.conn(conn) {
            conn.close();
        }
    }

    fn interrupted(&mut self, cx: &mut Cx<Self>, _: Event, _: What) {
        if !core::mem::replace(&mut self.exiting, true) {
            say!("Caught an interrupt signal; exiting cleanly in two seconds.");
            cx.exit_after(EXIT_DELAY);
        }
    }
}
