//! Services: what a server does with the connections that the device opens to it.

use std::any::Any;
use std::time::Duration;

use crate::world::peers::script::Script;

/// The program of a server that the device calls, or of clients that one program runs
/// ([`TestCase::crowd`](crate::world::TestCase::crowd)).
///
/// It is a state machine: each method is called when something has happened. An error says what the
/// device did wrong, and ends the simulation as a broken invariant.
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
    /// Handles that a connect of the device begins, also if the server is down. `at` is the time by the
    /// device's clock, so that delays between two connects are known whatever that clock does.
    ///
    /// # Errors
    /// What the device did wrong.
    fn called(&mut self, _at: Duration) -> Result<(), String> {
        Ok(())
    }

    /// Handles a connection that was accepted.
    ///
    /// # Errors
    /// What the device did wrong.
    fn opened(&mut self, _session: &mut Session) -> Result<(), String> {
        Ok(())
    }

    /// Handles bytes that have arrived. What it does not take is there again the next time.
    ///
    /// # Errors
    /// What the device did wrong.
    fn received(&mut self, session: &mut Session) -> Result<(), String>;

    /// Handles the end of the device's stream, behind the last byte. The default ends this side too.
    ///
    /// # Errors
    /// What the device did wrong, by ending now for instance.
    fn finished(&mut self, session: &mut Session) -> Result<(), String> {
        session.close();
        Ok(())
    }

    /// Returns when a server wants to [go on](Self::going_on) by itself.
    fn wakes_at(&self) -> Option<Duration> {
        None
    }

    /// Goes on with a connection of a crowd, which may wait for what another one has heard; it is called again
    /// and again. Goes on with a connection of a server when its [time](Self::wakes_at) has come, with each that is open.
    ///
    /// # Errors
    /// What the device did wrong.
    fn going_on(&mut self, _session: &mut Session) -> Result<(), String> {
        Ok(())
    }

    /// Handles the end of a connection, however it came. What was not taken is lost.
    fn ended(&mut self, _session: &mut Session) {}

    /// Forgets what the server's program does not keep on a disk: it was started again. Every connection has
    /// ended before.
    fn restarted(&mut self) {}
}

/// One connection of the device to a server, as the server's program sees it.
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

/// How a session's program wants it to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum End {
    /// It goes on.
    #[default]
    Open,
    /// The end of the stream follows the last byte.
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

    /// Returns whether the faults are over: from now on, a server has to do what it should.
    pub const fn is_quiet(&self) -> bool {
        self.is_quiet
    }

    /// Returns the bytes that have arrived and were not taken.
    pub fn input(&self) -> &[u8] {
        &self.input
    }

    /// Takes up to so many of the bytes that have arrived first.
    pub fn consume(&mut self, count: usize) {
        self.input.drain(..count.min(self.input.len()));
    }

    /// Takes a line, without its end: `\n` or `\r\n`. Bytes that are not text are replaced.
    pub fn read_line(&mut self) -> Option<String> {
        let length = self.input.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.input.drain(..=length).take(length).collect();
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        Some(String::from_utf8_lossy(line).into_owned())
    }

    /// Sends bytes, behind those that were not sent yet.
    pub fn write(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    /// Ends this side of the stream, behind the last byte that is sent. What the device still sends is received.
    pub fn close(&mut self) {
        self.end = End::Closed;
    }

    /// States that a client of a crowd has got what it must get. It has been served when the device ends its
    /// stream then, or the client [resets](Self::reset) the connection. One whose stream ends before connects
    /// again.
    pub fn served(&mut self) {
        self.is_served = true;
    }

    /// Resets the connection. What was written and not sent yet is lost.
    pub fn reset(&mut self) {
        self.end = End::Reset;
    }
}

/// A server's program during a simulation.
pub(crate) struct Running {
    pub(crate) program: Box<dyn Service>,
    /// A byte of one of its connections was forged, or of a datagram that may have kept the device away, so what it
    /// knows proves nothing.
    pub(crate) is_spoiled: bool,
    /// It was called since the device's conditions were checked.
    pub(crate) has_news: bool,
}

impl Running {
    pub(crate) fn new(program: Box<dyn Service>) -> Self {
        Self { program, is_spoiled: false, has_news: false }
    }
}

/// The service of [`Server::scripted`](crate::world::Server::scripted): each connection follows a script.
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
    /// Nothing: a conversation reads from the socket itself.
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
