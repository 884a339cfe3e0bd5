//! Listening sockets.
//!
//! An accept that finds no client costs more than an event of the selector. So a listener accepts one connection, and
//! is then registered again with the selector. If another client waits, the selector reports the listener again. A
//! listener accepts several connections at once only while clients arrive in every iteration of the loop.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry};
use picoevent::{AcceptError, EventBase, Instant, Listener, Tuning};
use rustix::net::listen;

use super::conns::Conns;
use super::token::Object;
use super::{RETRY, errno, tuning};

/// The largest number of connections that a listener accepts in one iteration. Without this limit, open connections
/// could wait for a long time.
const BATCH: usize = 64;

/// The largest number of connections in the system's backlog, if the system allows so many. Clients wait in the backlog
/// while the base has no room.
const BACKLOG: i32 = 4096;

pub(super) struct Listeners {
    /// Indexed by the index of the listener's handle.
    held: Vec<Option<Held>>,
    /// The time before which no listener accepts, because an accept has failed for lack of a descriptor.
    rests_until: Option<Instant>,
    iteration: u64,
}

struct Held {
    listener: Listener,
    socket: Result<TcpListener, io::Error>,
    enabled: bool,
    /// Whether a client may be waiting in the backlog.
    ready: bool,
    batch: usize,
    /// The iteration of the last accept.
    accepted_in: u64,
}

impl Listeners {
    pub(super) const fn new() -> Self {
        Self { held: Vec::new(), rests_until: None, iteration: 0 }
    }

    /// Opens a listener. If the listener is already open, makes it accept connections again.
    ///
    /// # Errors
    /// The reason why the listener cannot listen. [`Listeners::local_addr`] then returns the same error.
    pub(super) fn open(
        &mut self,
        listener: Listener,
        address: SocketAddr,
        registry: &Registry,
    ) -> io::Result<()> {
        let index = listener.index();
        if index >= self.held.len() {
            self.held.resize_with(index + 1, || None);
        }
        if let Some(held) = self.held[index].as_mut().filter(|held| held.socket.is_ok()) {
            (held.enabled, held.ready) = (true, true);
            return Ok(());
        }
        let socket = bind(address, index, registry);
        let failed = socket.as_ref().err().map(copy_of);
        let held = Held { listener, socket, enabled: true, ready: false, batch: 1, accepted_in: 0 };
        self.held[index] = Some(held);
        failed.map_or(Ok(()), Err)
    }

    /// Stops accepting until the listener is opened again. Clients wait in the system's backlog.
    pub(super) fn ignore(&mut self, listener: Listener) {
        if let Some(held) = self.held.get_mut(listener.index()).and_then(Option::as_mut) {
            held.enabled = false;
        }
    }

    pub(super) fn close(&mut self, listener: Listener) {
        if let Some(held) = self.held.get_mut(listener.index()) {
            *held = None;
        }
    }

    pub(super) fn local_addr(&self, listener: Listener) -> io::Result<SocketAddr> {
        let held = self.held.get(listener.index()).and_then(Option::as_ref);
        match held.filter(|held| held.listener == listener) {
            Some(held) => held.socket.as_ref().map_err(copy_of)?.local_addr(),
            None => Err(io::Error::new(
                ErrorKind::NotFound,
                "the listener was freed, or its base has not settled since it was made",
            )),
        }
    }

    /// Handles the selector's report that a client waits.
    pub(super) fn set_ready(&mut self, index: usize) {
        if let Some(held) = self.held.get_mut(index).and_then(Option::as_mut) {
            held.ready = true;
        }
    }

    /// Accepts clients while the base has room.
    pub(super) fn accept<A>(
        &mut self,
        base: &mut EventBase<'_, A>,
        conns: &mut Conns,
        registry: &Registry,
    ) {
        self.iteration += 1;
        let now = base.now();
        if self.rests_until.is_some_and(|until| now < until) {
            return;
        }
        self.rests_until = None;
        for held in self.held.iter_mut().flatten() {
            if let Err(error) = held.accept(self.iteration, base, conns, registry) {
                log::warn!("no connection is accepted for a while: {error}");
                self.rests_until = Some(now.after(RETRY));
                return;
            }
        }
    }

    /// Lets the listeners accept again immediately, because a descriptor may be free now.
    pub(super) fn resume(&mut self) {
        self.rests_until = None;
    }

    /// Returns whether there may be a client that can be accepted.
    pub(super) fn are_waiting<A>(&self, base: &EventBase<'_, A>) -> bool {
        let waits = |held: &Held| held.enabled && held.ready && base.has_room(held.listener);
        self.rests_until.is_none() && self.held.iter().flatten().any(waits)
    }

    /// Returns the time before which no listener accepts, because an accept has failed for lack of a descriptor.
    /// Returns [`Instant::MAX`] if listeners accept.
    pub(super) fn deadline(&self) -> Instant {
        self.rests_until.unwrap_or(Instant::MAX)
    }
}

impl Held {
    /// Accepts up to `batch` clients while the base has room. `batch` is 1, and doubles up to [`BATCH`] while clients
    /// are accepted in every iteration.
    ///
    /// # Errors
    /// No descriptor is free for a connection, or there is no memory for a descriptor.
    fn accept<A>(
        &mut self,
        iteration: u64,
        base: &mut EventBase<'_, A>,
        conns: &mut Conns,
        registry: &Registry,
    ) -> io::Result<()> {
        let Ok(socket) = &mut self.socket else { return Ok(()) };
        if !self.enabled || !self.ready || !base.has_room(self.listener) {
            return Ok(());
        }
        let again = self.accepted_in + 1 == iteration;
        self.batch = if again { (self.batch * 2).min(BATCH) } else { 1 };
        self.accepted_in = iteration;
        for _ in 0..self.batch {
            if !base.has_room(self.listener) {
                return Ok(());
            }
            match conns.with_room(base, |_| socket.accept()) {
                Ok((accepted, peer)) => take(self.listener, accepted, peer, base, conns),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.ready = false;
                    return Ok(());
                }
                Err(error) if errno::concerns_one_peer(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let token = Object::Listener(self.listener.index()).into();
        // If this fails, the listener stays ready and tries to accept in every iteration.
        self.ready = registry.reregister(socket, token, Interest::READABLE).is_err();
        Ok(())
    }
}

fn take<A>(
    listener: Listener,
    socket: TcpStream,
    peer: SocketAddr,
    base: &mut EventBase<'_, A>,
    conns: &mut Conns,
) {
    match base.accepted(listener, peer) {
        Ok(conn) => {
            base.local_is(conn, || socket.local_addr().ok());
            conns.accepted(conn, socket);
        }
        // The listener was freed, but there were too many actions to close it in this iteration. The socket is dropped,
        // like the sockets that wait in the backlog of a closed listener.
        Err(AcceptError::NoListener) => {}
        Err(AcceptError::Full) => debug_assert!(false, "there was room"),
    }
}

fn bind(address: SocketAddr, index: usize, registry: &Registry) -> io::Result<TcpListener> {
    let mut socket = TcpListener::bind(address)?;
    // mio sets a short backlog. A second `listen` changes the length of the backlog.
    listen(&socket, BACKLOG)?;
    // Accepted sockets inherit these settings.
    tuning::apply(&socket, Tuning::DEFAULT);
    registry.register(&mut socket, Object::Listener(index).into(), Interest::READABLE)?;
    Ok(socket)
}

/// Returns a copy of an error. `io::Error` does not implement `Clone`.
pub(super) fn copy_of(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(number) => io::Error::from_raw_os_error(number),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}
