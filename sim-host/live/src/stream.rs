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
use mio::{Interest, Registry, Token};
use picoevent::{Conn, EventBase};
use rustix::net::sockopt::set_socket_linger;

use super::expiry::Key;
use super::token::Subject;
use super::urgent;

/// A connection's socket.
pub(super) struct Stream {
    pub(super) socket: TcpStream,
    pub(super) conn: Conn,
    /// Set when the application has closed the connection: its key in the queue of closing ones.
    pub(super) closing: Option<Key>,
    connecting: bool,
    readable: bool,
    writable: bool,
    /// The selector saw the end of what can be read, so a short read is not the last one.
    hung_up: bool,
    /// There is urgent data, and a read stops before what has come after it.
    urgent: bool,
    /// The selector saw an error.
    broken: bool,
    /// The peer's end of stream was read.
    ended: bool,
    finish: Finish,
    /// The selector watches it.
    registered: bool,
}

/// The state of our end of stream.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Finish {
    Unwanted,
    /// It is sent after the output.
    Wanted,
    Sent,
}

/// The directions that a stream's work handles.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Input,
    Output,
    Both,
}

/// What is left to do after a stream's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Wait for the peer or for the application.
    Waits,
    /// Work again: there is more to discard than fits one turn.
    Goes,
    /// Nothing: the application has closed the connection, and its output is sent.
    Done,
}

/// What discarding a peer's input found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// Nothing more for now.
    Nothing,
    /// More than is discarded in one turn.
    More,
    /// The end of the stream.
    End,
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
            closing: None,
            connecting: true,
            readable: false,
            writable: false,
            hung_up: false,
            urgent: !urgent::IS_TOLD,
            broken: false,
            ended: false,
            finish: Finish::Unwanted,
            registered: false,
        }
    }

    /// Registers the socket with the selector. After a second registration the selector reports again
    /// what it has reported before.
    ///
    /// # Errors
    /// The selector's error.
    pub(super) fn register(&mut self, registry: &Registry) -> io::Result<()> {
        let token = Subject::Conn(self.conn.index()).into();
        self.register_as(token, urgent::INTEREST, registry)
    }

    fn register_as(
        &mut self,
        token: Token,
        interest: Interest,
        registry: &Registry,
    ) -> io::Result<()> {
        match self.registered {
            true => registry.reregister(&mut self.socket, token, interest)?,
            false => registry.register(&mut self.socket, token, interest)?,
        }
        self.registered = true;
        Ok(())
    }

    /// Returns the socket, watched for the peer's end of stream under another token; `None` if that
    /// was read, or cannot be watched for.
    pub(super) fn into_lingering(mut self, token: Token, registry: &Registry) -> Option<TcpStream> {
        let watched = !self.ended && self.register_as(token, Interest::READABLE, registry).is_ok();
        watched.then_some(self.socket)
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

    /// Requests that the end of stream is sent after the output.
    pub(super) fn finish(&mut self) {
        if self.finish == Finish::Unwanted {
            self.finish = Finish::Wanted;
        }
    }

    /// Returns whether the peer's end of stream was read and the system accepts all output.
    pub(super) const fn is_complete(&self) -> bool {
        self.ended && self.writable
    }

    /// Makes the peer see a reset, not an end of stream, when the socket is dropped.
    pub(super) fn set_reset(&self) {
        // If this fails, the peer sees an end of stream, which is the next best.
        let _ = set_socket_linger(&self.socket, Some(Duration::ZERO));
    }

    /// Does what can be done without waiting, in the part that may have changed, and returns what is
    /// left to do. A connection that begins, ends, or has seen an error is handled as a whole.
    ///
    /// # Errors
    /// The connection has failed.
    pub(super) fn work<A>(
        &mut self,
        part: Part,
        base: &mut EventBase<'_, A>,
        scrap: &mut [u8],
    ) -> io::Result<Work> {
        let ending = self.closing.is_some() || self.finish == Finish::Wanted;
        if self.connecting || self.broken || ending {
            return self.work_carefully(base, scrap);
        }
        if part != Part::Output {
            self.receive(base)?;
        }
        if part != Part::Input {
            self.send(base)?;
        }
        Ok(Work::Waits)
    }

    fn work_carefully<A>(
        &mut self,
        base: &mut EventBase<'_, A>,
        scrap: &mut [u8],
    ) -> io::Result<Work> {
        if self.connecting && !self.establish(base)? {
            let idle = self.closing.is_some() && base.output(self.conn).0.is_empty();
            return Ok(if idle { Work::Done } else { Work::Waits });
        }
        let more = match self.closing {
            Some(_) => self.discard(scrap)?,
            None => {
                self.receive(base)?;
                Rest::Nothing
            }
        };
        self.send(base)?;
        if core::mem::take(&mut self.broken)
            && let Some(error) = self.socket.take_error()?
        {
            return Err(error);
        }
        let sent = match self.closing {
            Some(_) => base.output(self.conn).0.is_empty(),
            None => base.conn(self.conn).is_ok_and(|conn| conn.output_len() == 0),
        };
        if sent && (self.finish == Finish::Wanted || self.closing.is_some()) {
            self.end()?;
        }
        Ok(match more {
            _ if sent && self.closing.is_some() => Work::Done,
            Rest::More => Work::Goes,
            Rest::Nothing | Rest::End => Work::Waits,
        })
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
                    (self.readable, self.ended) = (false, true);
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

    fn discard(&mut self, scrap: &mut [u8]) -> io::Result<Rest> {
        if !self.readable {
            return Ok(Rest::Nothing);
        }
        let rest = discard(&mut self.socket, scrap)?;
        self.readable = rest == Rest::More;
        self.ended |= rest == Rest::End;
        Ok(rest)
    }

    /// Sends the end of stream, once.
    fn end(&mut self) -> io::Result<()> {
        if core::mem::replace(&mut self.finish, Finish::Sent) == Finish::Sent {
            return Ok(());
        }
        match self.socket.shutdown(Shutdown::Write) {
            // The peer is gone already; a read will return that.
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(()),
            ended => ended,
        }
    }
}

/// Reads what the peer sent and discards it, at most a few times the length of `scrap`.
///
/// # Errors
/// The connection has failed.
pub(super) fn discard(socket: &mut TcpStream, scrap: &mut [u8]) -> io::Result<Rest> {
    for _ in 0..8 {
        match socket.read(scrap) {
            Ok(0) => return Ok(Rest::End),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Rest::Nothing),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Rest::More)
}
