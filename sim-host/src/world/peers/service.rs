//! Services: what a server does with the connections that the device opens to it.

use std::any::Any;
use std::time::Duration;

use crate::world::peers::script::Script;

/// The program of a server that the device connects to, or of a
/// [`TestCase::crowd`](crate::world::TestCase::crowd) of clients.
///
/// It is a state machine: each method is called after an event. An error describes what the device did wrong, and ends
/// the simulation with [`Verdict::Invariant`](crate::world::Verdict::Invariant).
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
    /// Called when the device begins a connect, even if the server is down. `at` is the time of the device's clock. So
    /// the delay between two connects can be checked even if the device's clock is wrong.
    ///
    /// # Errors
    /// An error of the device.
    fn connecting(&mut self, _at: Duration) -> Result<(), String> {
        Ok(())
    }

    /// Called when a connection was accepted.
    ///
    /// # Errors
    /// An error of the device.
    fn opened(&mut self, _session: &mut Session) -> Result<(), String> {
        Ok(())
    }

    /// Called when bytes have arrived. Bytes that the program does not take remain for the next
    /// call.
    ///
    /// # Errors
    /// An error of the device.
    fn received(&mut self, session: &mut Session) -> Result<(), String>;

    /// Called at the end of the device's stream, after the last byte. By default, the program ends its
    /// side of the stream, too.
    ///
    /// # Errors
    /// An error of the device, for example that it ended its stream too early.
    fn finished(&mut self, session: &mut Session) -> Result<(), String> {
        session.close();
        Ok(())
    }

    /// Returns the time at which a server needs a call of [`poll`](Self::poll), or `None` if it needs no call.
    fn wakes_at(&self) -> Option<Duration> {
        None
    }

    /// Called again and again for each connection of a crowd, because a client may wait for bytes that another client
    /// receives. Called for each open connection of a server when the server's [time](Self::wakes_at) has come.
    ///
    /// # Errors
    /// An error of the device.
    fn poll(&mut self, _session: &mut Session) -> Result<(), String> {
        Ok(())
    }

    /// Called at the end of a connection, for any reason. Bytes that were not taken are lost.
    fn ended(&mut self, _session: &mut Session) {}

    /// Called when the server's program has restarted: it loses all state that it does not keep on a disk. All
    /// connections have ended before this call.
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
    /// It stays open.
    #[default]
    Open,
    /// The stream ends after the last byte.
    Closed,
    Reset,
}

impl Session {
    pub(super) fn new(number: u32) -> Self {
        Self { number, ..Self::default() }
    }

    /// Returns how many connections the server has accepted before this one.
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

    /// Returns the bytes that have arrived and are not taken yet.
    pub fn input(&self) -> &[u8] {
        &self.input
    }

    /// Takes up to `count` of the oldest bytes.
    pub fn consume(&mut self, count: usize) {
        self.input.drain(..count.min(self.input.len()));
    }

    /// Takes a line, without its end (`\n` or `\r\n`). Returns `None` if no complete line has arrived. Bytes that are
    /// not valid UTF-8 are replaced.
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

    /// States that a client of a crowd has received everything it must receive. The client counts as served when the
    /// device then ends its stream, or the client [resets](Self::reset) the connection. If the stream ends before this
    /// call, the client reconnects.
    pub fn served(&mut self) {
        self.is_served = true;
    }

    /// Resets the connection. Bytes that are written and not yet sent are lost.
    pub fn reset(&mut self) {
        self.end = End::Reset;
    }
}

/// A server's program during a simulation.
pub(crate) struct Running {
    pub(crate) program: Box<dyn Service>,
    /// The program's checks prove nothing any more, because a byte was forged: on a connection of the server, or in a
    /// datagram of a UDP server. A forged datagram may have the effect that the device does not find this server.
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

    /// Returns how many connections have followed the script to its end.
    pub const fn finished(&self) -> u32 {
        self.finished
    }

    pub(super) fn finish(&mut self) {
        self.finished += 1;
    }
}

impl Service for Scripted {
    /// Does nothing: a conversation reads directly from the socket.
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
