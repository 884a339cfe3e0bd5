//! A slot of the pool: a socket, and what it is used for.
//!
//! ```text
//!            ┌─────────────────── Free ◀───────────────────────┐
//!   listener │                     │ connect                   │
//!            ▼                     ▼                           │
//!        Listening       Queued ◀▶ Connecting                  │
//!            │ handshake           │                           │
//!            └──▶ Waiting ──────▶ Open ──────────────────▶ Ending
//!              (for the base     (a connection       (its reset, or its
//!               to have room)     of the base)        peer's end is awaited)
//! ```

use embassy_net::IpEndpoint;
use picoevent::{Conn, ConnError, EventBase, Instant, Listener};

use crate::env::Env;
use crate::socket::{Phase, Socket};
use crate::time::after;

/// How long a socket without a connection of the base waits for the stack to send its reset, or for its
/// peer's end of stream. In microseconds.
const ENDING: u64 = 2_000_000;

pub(crate) struct Slot<'n> {
    pub(crate) socket: Socket<'n>,
    pub(crate) role: Role,
    /// Since when the role is held, or until when it may be held; see [`Role`].
    pub(crate) time: Instant,
    pub(crate) ends: Ends,
    /// Whether role or time have changed in the look at the slot, so that the slots must be sorted
    /// again. Moving bytes does not set it.
    pub(crate) changed: bool,
    /// The peer of an outgoing connection.
    pub(crate) peer: Option<IpEndpoint>,
}

/// What a socket is used for. Each role says what the slot's time means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Nothing, since the time: it can listen or connect.
    Free,
    /// It listens, or is in a handshake with a client since the time; [`Instant::MAX`] while there
    /// is no client.
    Listening(Listener),
    /// It is accepted, since the time, and the base has had no room for it.
    Waiting(Listener),
    /// It is in a handshake that we began, since the time.
    Connecting(Conn),
    /// The same, but other connects have their turn, and the socket is closed meanwhile.
    Queued(Conn),
    /// It is the base's connection, whose bytes last moved at the time.
    Open(Conn),
    /// It has no connection of the base any more, since the time: it has to send a reset, or its peer has
    /// everything and has not ended its stream yet (FIN-WAIT-2).
    Ending,
}

/// Which ends of a connection's streams were reached.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ends {
    /// The base knows that the peer will send no more.
    pub(crate) input: bool,
    /// The socket was closed for sending.
    pub(crate) output: bool,
    /// The base knows that the peer has our end of stream.
    pub(crate) delivered: bool,
    /// The connection was closed and waits for the peer's end of stream only.
    pub(crate) lingers: bool,
}

impl<'n> Slot<'n> {
    pub(crate) fn new(socket: Socket<'n>) -> Self {
        Self {
            socket,
            role: Role::Free,
            time: Instant::ZERO,
            ends: Ends::default(),
            changed: false,
            peer: None,
        }
    }

    pub(crate) fn serve(&mut self, role: Role, time: Instant) {
        (self.role, self.time, self.changed) = (role, time, true);
    }

    /// Returns the connection of the base this slot belongs to.
    pub(crate) fn conn(&self) -> Option<Conn> {
        match self.role {
            Role::Connecting(conn) | Role::Queued(conn) | Role::Open(conn) => Some(conn),
            _ => None,
        }
    }

    /// Returns the pool of the base that the socket is used for.
    pub(crate) fn pool<A>(&self, base: &EventBase<'_, A>) -> Option<usize> {
        match self.role {
            Role::Listening(listener) | Role::Waiting(listener) => base.pool_of_listener(listener),
            Role::Connecting(conn) | Role::Queued(conn) | Role::Open(conn) => base.pool_of(conn),
            Role::Free | Role::Ending => None,
        }
    }

    /// Returns whether there was no connection at the last look.
    pub(crate) fn is_vacant(&self) -> bool {
        match self.role {
            Role::Listening(_) => self.time == Instant::MAX,
            role => role == Role::Free,
        }
    }

    /// Returns whether it is an outgoing connection that is not established yet.
    pub(crate) fn connects(&self) -> bool {
        matches!(self.role, Role::Connecting(_) | Role::Queued(_))
    }

    /// Returns until when the role may be held.
    pub(crate) fn until(&self, env: &Env<'_>) -> Instant {
        match self.role {
            Role::Ending => after(self.time, ENDING),
            Role::Connecting(_) | Role::Queued(_) => self.timeout(env),
            Role::Free | Role::Listening(_) | Role::Waiting(_) | Role::Open(_) => Instant::MAX,
        }
    }

    /// Returns when the peer is given up if nothing comes from it after the time.
    pub(crate) fn timeout(&self, env: &Env<'_>) -> Instant {
        after(self.time, env.timeout)
    }

    /// Makes the socket of an ending connection free, if it owes nothing or its time is up. Returns
    /// whether it is.
    pub(crate) fn release(&mut self, env: &Env<'_>) -> bool {
        let is_late = self.until(env) <= env.now;
        let phase = self.socket.phase();
        if !matches!(phase, Phase::Closed | Phase::Done) {
            if is_late {
                self.abort(env.now);
            }
            return false;
        }
        if self.socket.owes_reset() && !is_late {
            return false;
        }
        // Sockets that may still have to send an answer are used after all others.
        let time = if phase == Phase::Done { env.now.as_micros() | 1 } else { 0 };
        self.serve(Role::Free, Instant::from_micros(time));
        true
    }

    /// Drops the connection without sending anything to the peer. The socket is free.
    pub(crate) fn forget(&mut self) {
        self.socket.forget();
        self.serve(Role::Free, Instant::ZERO);
    }

    /// Begins the handshake with the peer.
    pub(crate) fn call(&mut self) -> Result<(), ConnError> {
        self.peer.map_or(Ok(()), |peer| self.socket.connect(peer))
    }

    /// Drops the connection, if there is one. The socket is free when the reset is sent, or after
    /// [`ENDING`] if the stack cannot reach the peer.
    pub(crate) fn abort(&mut self, now: Instant) {
        match self.socket.phase() {
            Phase::Listening => self.socket.close(),
            Phase::Closed | Phase::Done => {}
            Phase::Handshake | Phase::Open | Phase::Finishing | Phase::Finished => {
                self.socket.abort();
            }
        }
        self.serve(Role::Ending, now);
    }
}
