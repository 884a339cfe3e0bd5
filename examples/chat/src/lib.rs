//! A chat server. It sends each line of a client to all other clients.
//!
//! ```text
//!   hello            ▶ sends the line to all other clients
//!   /name NAME       ▶ sets the client's name
//!   /who             ▶ lists the names of all clients
//!   /quit            ▶ closes the connection
//! ```
//!
//! If a client does not read, the output ring of the client's connection becomes full. The server drops the client at
//! the next line that does not fit, so a slow client does not delay the other clients.

#![no_std]

use core::fmt::{self, Write};
use core::net::SocketAddr;
use core::time::Duration;

use heapless::String;
use picoevent::{
    Conn, ConnEnd, ConnMap, ConnMut, Cx, EventMut, LineError, Listener, Pool, Protocol, SetupError,
    Signal, WriteError,
};

// The application logs through defmt or log.
#[cfg(feature = "defmt")]
use defmt::info;
#[cfg(not(feature = "defmt"))]
use log::info;

/// The port the server listens on.
pub const PORT: u16 = 9997;

/// The length of the longest line of a client in bytes, without the end of the line.
pub const LONGEST_LINE: usize = 256;
/// The longest name of a client in bytes.
pub const LONGEST_NAME: usize = 16;
/// The length of the longest line that the server sends in bytes, with the end of the line.
const LONGEST_MESSAGE: usize = LONGEST_NAME + 2 + LONGEST_LINE + 2;

/// The time limit for a client that does not read its lines.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);

type Name = String<LONGEST_NAME>;
type Message = String<LONGEST_MESSAGE>;

/// The application. `CLIENTS` is the number of connections in its pool, including the [spare](Pool::spare) connections.
pub struct Chat<const CLIENTS: usize> {
    names: ConnMap<Name, CLIENTS>,
    guests: u32,
}

impl<const CLIENTS: usize> Chat<CLIENTS> {
    /// Makes the application.
    pub const fn new() -> Self {
        Self { names: ConnMap::new(), guests: 0 }
    }

    /// Listens on `address` with the pool `clients`, which has at most `CLIENTS` connections. Ends the loop on the
    /// interrupt signal.
    ///
    /// # Errors
    /// [`SetupError`] when the storage has no room for one event, one listener and the pool, or the output
    /// rings are shorter than a line of the server, 276 bytes.
    pub fn start(
        cx: &mut Cx<Self>,
        address: SocketAddr,
        clients: Pool,
    ) -> Result<Listener, SetupError> {
        cx.on_signal(Signal::INT, |_, event: &mut EventMut<Self>| event.exit())?;
        let clients = cx.add_pool(clients)?;
        cx.listen::<Client>(address, clients)
    }

    fn name(&self, conn: Conn) -> Name {
        self.names.get(conn).cloned().unwrap_or_default()
    }

    fn handle_line(&mut self, conn: &mut ConnMut<Self>, line: &str) -> Result<(), WriteError> {
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("/quit"), None, _) => conn.close(),
            (Some("/who"), None, _) => return conn.write(self.name_list().as_bytes()),
            (Some("/name"), Some(name), None) => return self.rename(conn, name),
            (Some(command), ..) if command.starts_with('/') => {
                return conn.write(b"* the commands are /name NAME, /who and /quit\r\n");
            }
            (None, ..) => {}
            _ => send_to_others(conn, format_args!("{}: {line}", self.name(conn.id()))),
        }
        Ok(())
    }

    fn rename(&mut self, conn: &mut ConnMut<Self>, name: &str) -> Result<(), WriteError> {
        let Ok(new) = Name::try_from(name) else {
            return write!(conn, "* a name has at most {LONGEST_NAME} bytes\r\n");
        };
        if self.names.iter().any(|(_, used)| *used == new) {
            return write!(conn, "* {new} is taken\r\n");
        }
        if let Some(held) = self.names.get_mut(conn.id()) {
            let old = core::mem::replace(held, new);
            send_to_others(conn, format_args!("* {old} is {name} now"));
        }
        write!(conn, "* you are {name} now\r\n")
    }

    /// Returns the clients' names in one line. If not all names fit, the line ends with `...`.
    fn name_list(&self) -> Message {
        let mut line = Message::new();
        let _ = write!(line, "* here are");
        for (_, name) in self.names.iter() {
            // Keep room for ` ...` and the end of the line.
            if line.len() + 1 + name.len() + 6 > line.capacity() {
                let _ = line.push_str(" ...");
                break;
            }
            let _ = write!(line, " {name}");
        }
        let _ = line.push_str("\r\n");
        line
    }
}

impl<const CLIENTS: usize> Default for Chat<CLIENTS> {
    fn default() -> Self {
        Self::new()
    }
}

/// Sends a line to all other clients. Drops a client whose output ring has no room for the line.
fn send_to_others<A>(from: &mut ConnMut<A>, line: fmt::Arguments) {
    let mut message = Message::new();
    // The message fits: LONGEST_MESSAGE is the length of a name, the separator, a line and the end of the line.
    let _ = write!(message, "{line}\r\n");
    let Some(listener) = from.listener() else { return };
    let from_id = from.id();
    if let Ok(mut clients) = from.cx().listener(listener) {
        clients.for_each(|client| {
            if client.id() != from_id && client.write(message.as_bytes()).is_err() {
                client.abort();
            }
        });
    }
}

struct Client;

impl<const CLIENTS: usize> Protocol<Chat<CLIENTS>> for Client {
    const STALL: Option<Duration> = Some(STALL_TIMEOUT);
    const ROOM: usize = LONGEST_MESSAGE;
    const BUSY: &[u8] = b"* busy\r\n";

    fn opened(app: &mut Chat<CLIENTS>, conn: &mut ConnMut<Chat<CLIENTS>>) {
        app.guests = app.guests.wrapping_add(1);
        let mut name = Name::new();
        let _ = write!(name, "guest{}", app.guests);
        let _ = write!(conn, "* you are {name}\r\n");
        send_to_others(conn, format_args!("* {name} is here"));
        app.names.of_or(conn, || name);
    }

    fn readable(app: &mut Chat<CLIENTS>, conn: &mut ConnMut<Chat<CLIENTS>>) {
        let mut buffer = [0; LONGEST_LINE];
        while let Some(line) = conn.read_line(&mut buffer) {
            // The output ring has room for an answer, unless the connection has failed.
            let _ = match line {
                Ok(line) => app.handle_line(conn, line),
                Err(LineError::TooLong) => conn.write(b"* the line is too long\r\n"),
                Err(LineError::NotText) => conn.write(b"* the line is not UTF-8\r\n"),
            };
        }
    }

    fn ended(app: &mut Chat<CLIENTS>, conn: &mut ConnMut<Chat<CLIENTS>>, end: ConnEnd) {
        let name = app.names.remove(conn.id()).unwrap_or_default();
        if let ConnEnd::Failed(error) = end {
            info!("lost {}: {}", name.as_str(), error);
        }
        let how = if end == ConnEnd::Aborted { "was too slow" } else { "has left" };
        send_to_others(conn, format_args!("* {name} {how}"));
    }
}
