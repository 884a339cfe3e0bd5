//! The socket of one connection, with its readiness.
//!
//! The selector reports only changes, so the socket's state is kept here: `readable` and `writable` stay set until a
//! system call would block. [`Stream::work`] moves as many bytes as the two flags and the connection's rings allow.
//!
//! A connection cannot delay the other connections of an iteration for long: it receives at most one full input ring
//! before its callbacks have run.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Registry};
use picoevent::{Conn, Direction, EventBase, Failure, Instant};
use rustix::net::sockopt::set_socket_linger;

use super::token::Object;
use super::{errno, urgent};

/// The time from the last progress of a full socket to the first try to send without a report of the selector. Linux
/// may enlarge the buffer when the peer answers the first probe of a closed window, after 200 ms.
const PAUSE: Duration = Duration::from_millis(500);

/// A connection's socket.
pub(super) struct Stream {
    pub(super) socket: TcpStream,
    pub(super) conn: Conn,
    connecting: bool,
    readable: bool,
    pub(super) writable: bool,
    /// The selector has reported the peer's end of stream. So after a read that returns fewer bytes than requested, the
    /// next read may return the end of stream.
    hung_up: bool,
    /// A read has returned the end of stream. So nothing is left to read.
    at_end: bool,
    /// There may be urgent data. A read stops at urgent data, so the next read may find more input.
    urgent: bool,
    /// The selector has reported an error.
    has_error: bool,
    /// The error of a write. The connection fails with this error after its input.
    write_error: Option<io::Error>,
    /// Input was received since the write failed, or since output was last discarded because of the failure.
    received: bool,
    /// The time at which the system has last taken output.
    pub(super) sent_at: Instant,
    /// Sending was tried since then without a report of the selector.
    pub(super) tried: bool,
    /// The directions for which the socket is registered with the selector; `None` if it is not
    /// registered.
    watched: Option<Watched>,
}

/// The directions for which the selector watches a socket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Watched {
    Input,
    Both,
}

/// The directions that a stream's work handles.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Input,
    Output,
    Both,
}

impl Stream {
    /// Makes the stream of an accepted connection. A new socket has room for output, so `writable` is set. The selector
    /// will report input.
    pub(super) fn accepted(socket: TcpStream, conn: Conn) -> Self {
        Self { writable: true, connecting: false, ..Self::connecting(socket, conn) }
    }

    /// Makes the stream of a connection that is being opened.
    pub(super) fn connecting(socket: TcpStream, conn: Conn) -> Self {
        Self {
            socket,
            conn,
            connecting: true,
            readable: false,
            writable: false,
            hung_up: false,
            at_end: false,
            urgent: !urgent::IS_REPORTED,
            has_error: false,
            write_error: None,
            received: false,
            sent_at: Instant::ZERO,
            tried: false,
            watched: None,
        }
    }

    /// Registers the socket with the selector. While the socket is writable, it is registered for input only. If it
    /// were registered for output too, the selector would report every new socket as writable.
    ///
    /// # Errors
    /// The selector's error.
    pub(super) fn watch(&mut self, registry: &Registry) -> io::Result<()> {
        let token = Object::Conn(self.conn.index()).into();
        let (what, interest) = match self.writable {
            true => (Watched::Input, urgent::INPUT),
            false => (Watched::Both, urgent::INPUT | Interest::WRITABLE),
        };
        match self.watched {
            Some(_) => registry.reregister(&mut self.socket, token, interest)?,
            None => registry.register(&mut self.socket, token, interest)?,
        }
        self.watched = Some(what);
        Ok(())
    }

    /// Returns whether the socket must be registered for more directions than now.
    pub(super) fn needs_watch(&self) -> bool {
        !self.writable && self.watched != Some(Watched::Both)
    }

    /// Returns whether the system has not taken all output.
    pub(super) fn is_full(&self) -> bool {
        !self.writable && !self.connecting
    }

    /// Returns the time of the first try to send without a report of the selector; [`Instant::MAX`] after this try.
    pub(super) fn first_try(&self) -> Instant {
        if self.tried { Instant::MAX } else { self.sent_at.after(PAUSE) }
    }

    /// Handles an event of the selector. Returns the directions in which bytes may have to be moved.
    pub(super) fn handle_event(&mut self, event: &Event) -> Part {
        let was_writable = self.writable;
        self.has_error |= event.is_error();
        self.hung_up |= event.is_read_closed();
        self.urgent |= event.is_priority();
        let readable = event.is_readable() || event.is_read_closed() || event.is_error();
        self.readable |= readable && !self.at_end;
        self.writable |= event.is_writable() || event.is_write_closed() || event.is_error();
        // While the socket is writable, no output waits. So if it was writable before, only input must be moved.
        if was_writable { Part::Input } else { Part::Both }
    }

    /// Makes the peer get a reset instead of an end of stream when the socket is dropped.
    pub(super) fn set_reset(&self) {
        // If this fails, the peer sees an end of stream.
        let _ = set_socket_linger(&self.socket, Some(Duration::ZERO));
    }

    /// Moves the bytes that can be moved without waiting, in the directions of `part`.
    ///
    /// # Errors
    /// The connection has failed.
    pub(super) fn work<A>(
        &mut self,
        part: Part,
        base: &mut EventBase<'_, A>,
    ) -> Result<(), Failure> {
        let found = |direction| move |error: io::Error| errno::conn(&error).found(direction);
        if self.connecting && !self.establish(base).map_err(|error| errno::conn(&error))? {
            return Ok(());
        }
        if part != Part::Output {
            self.receive(base).map_err(found(Direction::Read))?;
        }
        if part != Part::Input {
            self.send_or_fail(base).map_err(found(Direction::Write))?;
        }
        let has_failed = self.has_error || self.write_error.is_some();
        if has_failed && self.readable && self.hung_up && self.waits_for_room(base) {
            // The connection is reset, for example because the peer has closed its socket before it has read all
            // output. The input before the reset is still in the socket. It is read first, when the ring has room.
            if self.write_error.is_some() {
                // The peer gets no output any more. But an application may consume input only if there is room for
                // output.
                self.discard_output(base);
            }
            return Ok(());
        }
        if let Some(error) = self.write_error.take() {
            return Err(found(Direction::Write)(error));
        }
        match core::mem::take(&mut self.has_error) {
            // The selector has seen an error, for example a reset of the peer. `take_error` returns this error even if
            // no bytes are read now.
            true => self.socket.take_error().and_then(|error| error.map_or(Ok(()), Err)),
            false => Ok(()),
        }
        .map_err(found(Direction::Read))
    }

    /// Sends the end of stream. The system delivers everything that was sent before it.
    ///
    /// # Errors
    /// The connection has failed.
    pub(super) fn end(&self) -> io::Result<()> {
        match self.socket.shutdown(Shutdown::Write) {
            // The peer has already reset or closed the connection. A later read will report this.
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(()),
            ended => ended,
        }
    }

    /// Returns whether input is wanted, but the ring has no room for it.
    fn waits_for_room<A>(&self, base: &mut EventBase<'_, A>) -> bool {
        let conn = self.conn;
        base.input(conn).is_none()
            && base.conn(conn).is_ok_and(|conn| conn.is_enabled(Direction::Read))
    }

    /// Discards the input that has arrived, but not more than one mebibyte: the peer may send without end.
    pub(super) fn discard_input(&mut self) {
        let mut bytes = [0; 16_384];
        for _ in 0..64 {
            match self.socket.read(&mut bytes) {
                Ok(1..) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                _ => return,
            }
        }
    }

    /// Checks whether the connect has succeeded.
    fn establish<A>(&mut self, base: &mut EventBase<'_, A>) -> io::Result<bool> {
        if !self.writable {
            return Ok(false);
        }
        if let Some(error) = self.socket.take_error()? {
            return Err(error);
        }
        match self.socket.peer_addr() {
            Ok(_) => {
                self.connecting = false;
                base.local_is(self.conn, || self.socket.local_addr().ok());
                base.connected(self.conn);
            }
            Err(error) if error.kind() == ErrorKind::NotConnected => self.writable = false,
            Err(error) => return Err(error),
        }
        Ok(!self.connecting)
    }

    fn receive<A>(&mut self, base: &mut EventBase<'_, A>) -> io::Result<()> {
        while self.readable {
            let Some((first, second)) = base.input(self.conn) else { break };
            let room = first.len() + second.len();
            let read = match second {
                [] => self.socket.read(first),
                second => {
                    let mut space = [IoSliceMut::new(first), IoSliceMut::new(second)];
                    self.socket.read_vectored(&mut space)
                }
            };
            match read {
                Ok(0) => {
                    (self.readable, self.at_end) = (false, true);
                    // After a failed write, a read returns the end even if the peer has not ended its stream. If the
                    // peer has ended its stream, the error of the write was EPIPE.
                    let error = self.write_error.as_ref().map(io::Error::kind);
                    if error.is_none_or(|kind| kind == ErrorKind::BrokenPipe) {
                        base.peer_finished(self.conn);
                    }
                }
                Ok(amount) => {
                    self.received = true;
                    self.readable = amount == room || self.hung_up || self.urgent;
                    base.received(self.conn, amount);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    (self.readable, self.urgent) = (false, !urgent::IS_REPORTED);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Sends output. If the connection has failed, receives the input that is left in the socket.
    ///
    /// # Errors
    /// The connection had failed before this call, and since then the application has written output, but has consumed
    /// no input.
    fn send_or_fail<A>(&mut self, base: &mut EventBase<'_, A>) -> io::Result<()> {
        match self.write_error.take() {
            None => {
                let Err(error) = self.send(base) else { return Ok(()) };
                self.write_error = Some(error);
                (self.readable, self.hung_up) = (!self.at_end, true);
                self.receive(base)
            }
            Some(error) if !self.received && output_len(self.conn, base) > 0 => Err(error),
            error => {
                self.write_error = error;
                Ok(())
            }
        }
    }

    /// Discards the output, as if it was sent.
    fn discard_output<A>(&mut self, base: &mut EventBase<'_, A>) {
        loop {
            match output_len(self.conn, base) {
                0 => return,
                len => base.sent(self.conn, len),
            }
            self.received = false;
        }
    }

    fn send<A>(&mut self, base: &mut EventBase<'_, A>) -> io::Result<()> {
        while self.writable {
            let (first, second) = base.output(self.conn);
            let all = first.len() + second.len();
            if all == 0 {
                break;
            }
            let written = match second {
                [] => self.socket.write(first),
                second => self.socket.write_vectored(&[IoSlice::new(first), IoSlice::new(second)]),
            };
            match written {
                // A socket that takes only a part of the bytes is full, or its connection has failed. The selector will
                // report new room or the failure.
                Ok(amount) => {
                    self.writable = amount == all;
                    (self.sent_at, self.tried) = (base.now(), false);
                    base.sent(self.conn, amount);
                    break;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.writable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn output_len<A>(conn: Conn, base: &EventBase<'_, A>) -> usize {
    let (first, second) = base.output(conn);
    first.len() + second.len()
}
