//! One connection's socket, and what it can do now.
//!
//! The selector reports only changes, so the socket's state is kept here: `readable` and
//! `writable` stay set until the system says otherwise. [`Stream::work`] does everything the two
//! bits and the connection's rings allow.
//!
//! A connection cannot take up a whole turn: it gets at most one full input ring before its
//! callbacks have run.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Registry};
use picoevent::{Conn, Direction, EventBase, Failure};
use rustix::net::sockopt::set_socket_linger;

use super::token::Object;
use super::{errno, urgent};

/// A connection's socket.
pub(super) struct Stream {
    pub(super) socket: TcpStream,
    pub(super) conn: Conn,
    connecting: bool,
    readable: bool,
    writable: bool,
    /// The selector has reported the end of the peer's stream, so the end may follow a short read.
    hung_up: bool,
    /// There is urgent data, and a read stops before what has come after it.
    urgent: bool,
    /// The selector saw an error.
    broken: bool,
    /// The selector watches it for input, and for room to send as well.
    watched: Option<Watched>,
}

/// What the selector watches a socket for.
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
    /// Makes a connection that was accepted. Its socket has room to send; the selector will report
    /// input.
    pub(super) fn accepted(socket: TcpStream, conn: Conn) -> Self {
        Self { writable: true, connecting: false, ..Self::connecting(socket, conn) }
    }

    /// Makes a connection that is being opened.
    pub(super) fn connecting(socket: TcpStream, conn: Conn) -> Self {
        Self {
            socket,
            conn,
            connecting: true,
            readable: false,
            writable: false,
            hung_up: false,
            urgent: !urgent::IS_TOLD,
            broken: false,
            watched: None,
        }
    }

    /// Has the selector watch the socket. While the socket takes what is sent, it is watched for input only:
    /// the selector would report room for each new one.
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

    /// Returns whether the selector has to watch it for more than it does.
    pub(super) fn needs_watch(&self) -> bool {
        !self.writable && self.watched != Some(Watched::Both)
    }

    /// Takes a report of the selector. Returns the directions that it changed.
    pub(super) fn note(&mut self, event: &Event) -> Part {
        let was_writable = self.writable;
        self.broken |= event.is_error();
        self.hung_up |= event.is_read_closed();
        self.urgent |= event.is_priority();
        self.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        self.writable |= event.is_writable() || event.is_write_closed() || event.is_error();
        // While it is writable, nothing waits to be sent.
        if was_writable { Part::Input } else { Part::Both }
    }

    /// Makes the peer see a reset, not an end of stream, when the socket is dropped.
    pub(super) fn set_reset(&self) {
        // If this fails, the peer sees an end of stream, which is the next best.
        let _ = set_socket_linger(&self.socket, Some(Duration::ZERO));
    }

    /// Does what can be done without waiting, in the part that may have changed.
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
            self.send(base).map_err(found(Direction::Write))?;
        }
        match core::mem::take(&mut self.broken) {
            // The peer has reset it, though nothing is read at the moment.
            true => self.socket.take_error().and_then(|error| error.map_or(Ok(()), Err)),
            false => Ok(()),
        }
        .map_err(found(Direction::Read))
    }

    /// Sends the end of stream. The system delivers it, and all that was sent before.
    ///
    /// # Errors
    /// The connection has failed.
    pub(super) fn end(&self) -> io::Result<()> {
        match self.socket.shutdown(Shutdown::Write) {
            // The peer is gone already; a read will return that.
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(()),
            ended => ended,
        }
    }

    /// Checks whether a connection that is being opened is open.
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
                    self.readable = false;
                    base.finished(self.conn);
                }
                Ok(amount) => {
                    self.readable = amount == room || self.hung_up || self.urgent;
                    base.received(self.conn, amount);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    (self.readable, self.urgent) = (false, !urgent::IS_TOLD);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
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
                // A socket that takes less than all is full, or its connection has failed. The
                // selector reports both: room when there is some again, and a failure.
                Ok(amount) => {
                    self.writable = amount == all;
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
