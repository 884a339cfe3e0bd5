//! The application: a server for lines of text. Nothing in this crate depends on hardware, so a host, the simulator and
//! a board run the same code.
//!
//! ```text
//!  get          the level
//!  set LEVEL    sets it, from 0 to 100, for all clients
//!  quit         ends the connection
//! ```

#![no_std]

use core::net::SocketAddr;
use core::time::Duration;

use picoevent::{ConnMut, Cx, Listener, Pool, Protocol, SetupError, Signal, WriteError};

/// The port of the server.
pub const PORT: u16 = 7000;

/// Four slots for clients, and a spare slot: a fifth client receives only `BUSY`. Each slot has an input ring and an
/// output ring of 64 bytes.
pub const CLIENTS: Pool = Pool::new(4).rings(64, 64).spare(1);

/// The memory: room for one event (the interrupt signal) and for the clients.
pub type Storage = picoevent::Storage<App, 1, { CLIENTS.conns() }, { CLIENTS.bytes() }>;

/// The state of the application. Every callback gets it.
#[derive(Default)]
pub struct App {
    level: u8,
}

impl App {
    /// Listens on `address`, and ends the loop on the interrupt signal.
    ///
    /// # Errors
    /// [`SetupError`] if the storage has no room for one event, one listener and the pool.
    pub fn start(
        cx: &mut Cx<Self>,
        address: SocketAddr,
        clients: Pool,
    ) -> Result<Listener, SetupError> {
        cx.on_signal(Signal::INT, |_, event| event.exit())?;
        let clients = cx.add_pool(clients)?;
        cx.listen::<Client>(address, clients)
    }

    fn command(&mut self, conn: &mut ConnMut<Self>, line: &str) -> Result<(), WriteError> {
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("get"), None, _) => writeln!(conn, "{}", self.level),
            (Some("set"), Some(level), None) => match level.parse() {
                Ok(level) if level <= 100 => {
                    self.level = level;
                    conn.write(b"ok\n")
                }
                _ => conn.write(b"error: 0 to 100\n"),
            },
            (Some("quit"), None, _) => {
                conn.write(b"bye\n")?;
                conn.close();
                Ok(())
            }
            _ => conn.write(b"error: get, set LEVEL, quit\n"),
        }
    }
}

/// The connection of a client: its callbacks and its limits.
struct Client;

impl Protocol<App> for Client {
    /// The longest time in which a client may send nothing.
    const IDLE: Option<Duration> = Some(Duration::from_secs(60));
    /// The longest time in which a client may accept no bytes of its pending answers.
    const STALL: Option<Duration> = Some(Duration::from_secs(10));
    /// The length of the longest answer. Received lines wait while the output ring has less free space than `ROOM`.
    const ROOM: usize = 28;
    const BUSY: &'static [u8] = b"busy\n";

    fn readable(app: &mut App, conn: &mut ConnMut<App>) {
        let mut buffer = [0; 32];
        while let Some(line) = conn.read_line(&mut buffer) {
            let answer = match line {
                Ok(line) => app.command(conn, line),
                Err(_) => conn.write(b"error: no such line\n"),
            };
            // An answer longer than `ROOM` may not fit. In this case, abort the connection, because the client would
            // wait for the answer.
            if answer.is_err() {
                return conn.abort();
            }
        }
    }
}
