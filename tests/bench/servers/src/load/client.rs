//! Connections to the server, and the selector that reports their events.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use rustix::net::sockopt::set_socket_linger;

use super::Deadline;

const EVENTS: usize = 1024;

/// The token of a listener.
const LISTENER: Token = Token(usize::MAX);

/// A non-blocking socket.
pub(super) struct Client {
    socket: TcpStream,
    /// The number of the connection, for error messages.
    connection: usize,
    /// The number of bytes received so far.
    pub(super) received: u64,
}

impl Client {
    /// Reads the available bytes, and compares them with the expected bytes. Returns `None` if nothing has arrived, and
    /// `Some(0)` at the end of the stream. `wanted` receives the number of bytes received before, and returns the
    /// expected bytes.
    pub(super) fn read<'w>(
        &mut self,
        target: &mut [u8],
        wanted: impl Fn(u64) -> &'w [u8],
    ) -> Result<Option<usize>> {
        let Some(amount) = self.try_io(|socket| socket.read(target))? else { return Ok(None) };
        let mut rest = &target[..amount];
        while !rest.is_empty() {
            let wanted = wanted(self.received);
            ensure!(
                !wanted.is_empty(),
                "connection {} received more bytes than expected",
                self.connection
            );
            let (now, later) = rest.split_at(rest.len().min(wanted.len()));
            let same = match now == &wanted[..now.len()] {
                true => now.len(),
                false => now.iter().zip(wanted).take_while(|(a, b)| a == b).count(),
            };
            self.received += same as u64;
            if same < now.len() {
                bail!("connection {} received a wrong byte at {}", self.connection, self.received);
            }
            rest = later;
        }
        Ok(Some(amount))
    }

    /// Writes as many bytes as the system accepts. Returns `None` if the system accepts no bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<Option<usize>> {
        self.try_io(|socket| socket.write(bytes))
    }

    fn try_io(
        &mut self,
        work: impl FnOnce(&mut TcpStream) -> std::io::Result<usize>,
    ) -> Result<Option<usize>> {
        match work(&mut self.socket) {
            Ok(amount) => Ok(Some(amount)),
            // `NotConnected` means that a connect is in progress.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::Interrupted | ErrorKind::NotConnected
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error).context(format!("connection {} was lost", self.connection)),
        }
    }

    /// Returns the error for a connection that ended too early.
    pub(super) fn ended_early<T>(&self) -> Result<T> {
        bail!("connection {} was ended too early by the server", self.connection)
    }

    /// Closes the connection with a reset, so the port is free at once.
    pub(super) fn reset(self) -> Result<()> {
        let closed = set_socket_linger(&self.socket, Some(Duration::ZERO));
        closed.context("cannot set SO_LINGER")
    }
}

/// Reports events of connections, until a deadline.
pub(super) struct Selector {
    poll: Poll,
    events: Events,
    server: SocketAddr,
    deadline: Deadline,
}

impl Selector {
    pub(super) fn new(server: SocketAddr, deadline: Deadline) -> Result<Self> {
        let (poll, events) = (Poll::new()?, Events::with_capacity(EVENTS));
        Ok(Self { poll, events, server, deadline })
    }

    /// Begins to connect, and watches the connection for `interest`. Output is sent without delay
    /// (`TCP_NODELAY`).
    pub(super) fn connect(&self, connection: usize, interest: Interest) -> Result<Client> {
        let socket = TcpStream::connect(self.server).context("cannot connect")?;
        if interest.is_writable() {
            socket.set_nodelay(true).context("cannot set TCP_NODELAY")?;
        }
        self.register(socket, connection, interest)
    }

    /// Watches a listener, for [`accept`](Self::accept).
    pub(super) fn watch(&self, listener: &mut TcpListener) -> Result<()> {
        self.poll.registry().register(listener, LISTENER, Interest::READABLE)?;
        Ok(())
    }

    /// Accepts a connection from a watched listener, and watches the connection. Waits until there is a connection to
    /// accept. During this wait, events of other connections are discarded.
    pub(super) fn accept(&mut self, listener: &TcpListener, connection: usize) -> Result<Client> {
        loop {
            match listener.accept() {
                Ok((socket, _)) => {
                    socket.set_nodelay(true).context("cannot set TCP_NODELAY")?;
                    let both = Interest::READABLE | Interest::WRITABLE;
                    return self.register(socket, connection, both);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.wait(&mut Vec::new(), 0, 1)?;
                }
                Err(error) => return Err(error).context("cannot accept"),
            }
        }
    }

    fn register(
        &self,
        mut socket: TcpStream,
        connection: usize,
        interest: Interest,
    ) -> Result<Client> {
        self.poll.registry().register(&mut socket, Token(connection), interest)?;
        Ok(Client { socket, connection, received: 0 })
    }

    /// Waits for events, and puts the connections that have events into `ready`.
    pub(super) fn wait(&mut self, ready: &mut Vec<usize>, done: u64, wanted: u64) -> Result<()> {
        let left = self.deadline.at.saturating_duration_since(Instant::now());
        if self.poll(ready, left)? {
            let seconds = self.deadline.limit.as_secs();
            ensure!(!self.events.is_empty(), "{done} of {wanted} were done within {seconds} s");
        }
        Ok(())
    }

    /// Puts the connections that have events now into `ready`, without waiting.
    pub(super) fn poll_now(&mut self, ready: &mut Vec<usize>) -> Result<()> {
        self.poll(ready, Duration::ZERO).map(drop)
    }

    /// Waits for events, at most for `limit`. Returns `false` if a signal has interrupted the call.
    fn poll(&mut self, ready: &mut Vec<usize>, limit: Duration) -> Result<bool> {
        ready.clear();
        match self.poll.poll(&mut self.events, Some(limit)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(false),
            other => other.context("cannot wait for new events")?,
        }
        let connections = self.events.iter().map(|event| event.token().0);
        ready.extend(connections.filter(|&connection| connection != LISTENER.0));
        Ok(true)
    }
}
