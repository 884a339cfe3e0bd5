//! Services: what a server does with the connections that the device opens to it.

use std::any::Any;
use std::time::Duration;

use crate::world::peers::script::Script;

/// The program of a server that the device connects to, or of a
/// [`TestCase::crowd`](crate::world::TestCase::crowd) of clients.
///
/// The program is a state machine: each method is called after an event. An error describes what the device did wrong,
/// and ends the simulation with [`Verdict::Invariant`](crate::world::Verdict::Invariant).
///
/// ```
/// use picoevent_sim::world::{Service, Session};
///
/// /// Counts lines, and answers each with its number.
/// #[derive(Default)]
/// struct Counter {
///     lines: u32,
/// }
///
/// impl Service for Counter {
///     fn received(&mut self, session: &mut Session) -> Result<(), String> {
///         while let Some(line) = session.read_line() {
///             if line != "count" {
///                 return Err(format!("{line:?} is no request"));
///             }
///             self.lines += 1;
///             session.write(format!("{}\n", self.lines).as_bytes());
///         }
///         Ok(())
///     }
/// }
/// ```
pub trait Service: Any {
    /// Called when the device begins a connect, even if the server is down. `_at` is the time of the device's clock. So
    /// a program can check the delay between two connects even if the device's clock is wrong.
    ///
    /// # Errors
    /// A text that describes what the device did wrong.
    fn connecting(&mut self, _at: Duration) -> Result<(), String> {
        Ok(())
    }

    /// Called when a connection was accepted.
    ///
    /// # Errors
    /// A text that describes what the device did wrong.
    fn opened(&mut self, _session: &mut Session) -> Result<(), String> {
        Ok(())
    }

    /// Called when bytes have arrived. Bytes that the program does not consume remain in the session, for the next
    /// call.
    ///
    /// # Errors
    /// A text that describes what the device did wrong.
    fn received(&mut self, session: &mut Session) -> Result<(), String>;

    /// Called at the end of the device's stream, after the last byte. The default method ends the program's side of the
    /// stream, too.
    ///
    /// # Errors
    /// A text that describes what the device did wrong, for example that the device ended its stream too early.
    fn finished(&mut self, session: &mut Session) -> Result<(), String> {
        session.close();
        Ok(())
    }

    /// Returns the time of the simulation at which a server needs a call of [`poll`](Self::poll), or `None` if the
    /// server needs no call.
    fn wakes_at(&self) -> Option<Duration> {
        None
    }

    /// For a crowd, called again and again for each connection, because a client may wait for bytes that another client
    /// receives. For a server, called for each open connection at the time that [`wakes_at`](Self::wakes_at) returns.
    ///
    /// # Errors
    /// A text that describes what the device did wrong.
    fn poll(&mut self, _session: &mut Session) -> Result<(), String> {
        Ok(())
    }

    /// Called when a connection has ended for any reason. Bytes that were not consumed are lost.
    fn ended(&mut self, _session: &mut Session) {}

    /// Called when the server's program has restarted. In this call, the program must discard all state, except the
    /// state that it would keep on a disk. All connections have ended before this call.
    fn restarted(&mut self) {}
}

/// One connection, as seen by the program of a server or of a crowd.
#[derive(Debug, Default)]
pub struct Session {
    number: u32,
    pub(super) input: Vec<u8>,
    pub(super) output: Vec<u8>,
    pub(super) end: End,
    pub(super) is_served: bool,
    /// The time of the simulation, in microseconds.
    pub(super) now: u64,
    pub(super) is_quiet: bool,
}

/// How the program has ended its side of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum End {
    /// The program's side of the stream is open.
    #[default]
    Open,
    /// The stream ends after the last queued byte.
    Closed,
    Reset,
}

impl Session {
    pub(super) fn new(number: u32) -> Self {
        Self { number, ..Self::default() }
    }

    /// Returns the number of connections that the program of the server or the crowd had before this connection.
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Returns the time of the simulation.
    pub const fn now(&self) -> Duration {
        Duration::from_micros(self.now)
    }

    /// Returns whether the faults are over. From then on, a server must behave correctly.
    pub const fn is_quiet(&self) -> bool {
        self.is_quiet
    }

    /// Returns the bytes that have arrived and are not consumed yet.
    pub fn input(&self) -> &[u8] {
        &self.input
    }

    /// Removes up to `count` of the oldest bytes.
    pub fn consume(&mut self, count: usize) {
        self.input.drain(..count.min(self.input.len()));
    }

    /// Removes a line and returns it, without its end (`\n` or `\r\n`). Returns `None` if no complete line has arrived.
    /// Bytes that are not valid UTF-8 are replaced.
    pub fn read_line(&mut self) -> Option<String> {
        let length = self.input.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.input.drain(..=length).take(length).collect();
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        Some(String::from_utf8_lossy(line).into_owned())
    }

    /// Queues bytes for sending.
    pub fn write(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    /// Ends this side of the stream, after the last queued byte. Data from the device is still
    /// received.
    pub fn close(&mut self) {
        self.end = End::Closed;
    }

    /// Declares that a client of a crowd has received everything that it must receive. After this call, the client
    /// counts as served when its connection ends: either the device ends its stream, or the client
    /// [resets](Self::reset) the connection. If the stream ends before this call, the client reconnects.
    pub fn served(&mut self) {
        self.is_served = true;
    }

    /// Resets the connection. Queued bytes that are not sent yet are lost.
    pub fn reset(&mut self) {
        self.end = End::Reset;
    }
}

/// A server's program during a simulation.
pub(crate) struct Running {
    pub(crate) program: Box<dyn Service>,
    /// A byte was forged on a connection of the server, or in a datagram of a UDP server. From then on, the errors of
    /// the program's checks are ignored. A forged datagram can have the effect that the device does not find the
    /// server.
    pub(crate) affected_by_forgery: bool,
    /// The program was called after the last check of the conditions of the quiet phase.
    pub(crate) has_changed: bool,
}

impl Running {
    pub(crate) fn new(program: Box<dyn Service>) -> Self {
        Self { program, affected_by_forgery: false, has_changed: false }
    }
}

/// The service of [`Server::scripted`](crate::world::Server::scripted). Each connection follows a
/// script.
pub struct Scripted {
    pub(super) script: Script,
    finished: u32,
}

impl Scripted {
    pub(crate) const fn new(script: Script) -> Self {
        Self { script, finished: 0 }
    }

    /// Returns the number of connections on which the script was followed to its end.
    pub const fn finished(&self) -> u32 {
        self.finished
    }

    pub(super) fn finish(&mut self) {
        self.finished += 1;
    }
}

impl Service for Scripted {
    /// Does nothing, because the conversation that follows the script reads directly from the socket.
    fn received(&mut self, _: &mut Session) -> Result<(), String> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_whole_and_in_order() {
        let mut session = Session::new(3);
        session.input.extend_from_slice(b"one\r\n\ntw");
        assert_eq!(session.read_line().as_deref(), Some("one"));
        assert_eq!(session.read_line().as_deref(), Some(""));
        assert_eq!((session.read_line(), session.input()), (None, &b"tw"[..]));
        session.consume(1);
        session.consume(9);
        assert_eq!((session.number(), session.input()), (3, &b""[..]));
    }
}
