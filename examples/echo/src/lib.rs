//! An echo server, as an application of picoevent: it sends back what a client sends.
//!
//! Bytes move from a connection's input ring to its output ring as far as there is room, when input
//! arrives and when output leaves. A client that does not read has to wait when its input ring is
//! full. A client that neither sends nor reads for a minute is dropped.

#![no_std]

use core::net::SocketAddr;
use core::time::Duration;

use picoevent::{Conn, ConnEvent, Cx, Direction, Event, Full, Listener, Signal, What};

// Where the application's lines go.
#[cfg(feature = "defmt")]
use defmt::info as say;
#[cfg(not(feature = "defmt"))]
use log::info as say;

/// The port the server listens on, the same as hello-world's.
pub const PORT: u16 = 9995;

const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The user value of a connection whose client has sent everything.
const ALL_RECEIVED: u32 = 1;

/// The application.
#[derive(Default)]
pub struct Echo {}

impl Echo {
    /// Makes the application.
    pub const fn new() -> Self {
        Self {}
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
        conn.on_read(Self::moved).on_write(Self::moved).on_event(Self::happened);
        conn.set_timeouts(Some(IDLE_TIMEOUT), Some(IDLE_TIMEOUT)).enable(Direction::Read);
    }

    /// Moves what can be moved, when input arrives or output leaves. Closes after the last byte.
    fn moved(&mut self, cx: &mut Cx<Self>, conn: Conn) {
        if cx.transfer(conn, conn).is_err() {
            return;
        }
        if let Ok(conn) = cx.conn(conn)
            && conn.user() == ALL_RECEIVED
            && conn.input_len() == 0
        {
            conn.close();
        }
    }

    fn happened(&mut self, cx: &mut Cx<Self>, conn: Conn, event: ConnEvent) {
        let Ok(mut view) = cx.conn(conn) else { return };
        match event {
            ConnEvent::Eof => {
                view.set_user(ALL_RECEIVED);
                self.moved(cx, conn);
            }
            ConnEvent::Failed(error) => {
                say!("lost a client: {}", error);
                view.free();
            }
            ConnEvent::Timeout(_) => {
                say!("let an idle client go");
                view.free();
            }
            ConnEvent::Connected => {}
        }
    }

    fn interrupted(&mut self, cx: &mut Cx<Self>, _: Event, _: What) {
        cx.exit();
    }
}
