//! A slot of the pool: a socket, and what it is used for.
//!
//! ```text
//!            ┌────────────── Free ◀─────────────────── Finished ──┐
//!   listener │                │ connect                    ▲      │
//!            ▼                ▼                            │      │
//!        Listening  Queued ◀▶ Connecting ──┐           Lingering ─┤
//!            │ handshake                   ▼               ▲      │ too long
//!            └──▶ Waiting ──────────────▶ Open ──▶ Closing ┘      ▼
//!              (for the base to     (a connection of the base)  Resetting ──▶ Free
//!               have room)
//! ```

use embassy_net::IpEndpoint;
use picoevent::{Conn, ConnError, Instant, Listener};

use crate::env::Limits;
use crate::socket::{Phase, Socket};
use crate::time::after;

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
    /// It takes the remaining output of a connection that was closed, until the time.
    Closing(Conn),
    /// It delivers its output and the end of stream, until the time. The base has released it.
    Lingering,
    /// It has delivered everything and waits for the peer's end of stream (FIN-WAIT-2), since the
    /// time.
    Finished,
    /// It has to send a reset, until the time.
    Resetting,
}

/// Which ends of a connection's streams were reached.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ends {
    /// The base knows that the peer will send no more.
    pub(crate) input: bool,
    /// The application will send no more.
    pub(crate) output_wanted: bool,
    /// The socket was closed for sending.
    pub(crate) output: bool,
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
            Role::Connecting(conn)
            | Role::Queued(conn)
            | Role::Open(conn)
            | Role::Closing(conn) => Some(conn),
            _ => None,
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
    pub(crate) fn until(&self, limits: &Limits) -> Instant {
        match self.role {
            Role::Closing(_) | Role::Lingering | Role::Resetting => self.time,
            Role::Connecting(_) | Role::Queued(_) => self.timeout(limits),
            Role::Finished => after(self.time, limits.fin_wait),
            Role::Free | Role::Listening(_) | Role::Waiting(_) | Role::Open(_) => Instant::MAX,
        }
    }

    /// Returns when the peer is given up if nothing comes from it after the time.
    pub(crate) fn timeout(&self, limits: &Limits) -> Instant {
        after(self.time, limits.timeout)
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

    /// Sends the end of stream, once.
    pub(crate) fn finish(&mut self) {
        if !core::mem::replace(&mut self.ends.output, true) {
            self.socket.close();
        }
    }

    /// Leaves the connection to the stack, which delivers the output it has.
    pub(crate) fn linger(&mut self, until: Instant) {
        self.finish();
        self.serve(Role::Lingering, until);
    }

    /// Drops the connection, if there is one. The socket is free when the reset is sent, or at
    /// `until` if the stack cannot reach the peer.
    pub(crate) fn abort(&mut self, until: Instant) {
        match self.socket.phase() {
            Phase::Listening => self.socket.close(),
            Phase::Closed | Phase::Done => {}
            Phase::Handshake | Phase::Open | Phase::Finishing | Phase::Finished => {
                self.socket.abort();
            }
        }
        self.serve(Role::Resetting, until);
    }
}
