//! A slot of the pool: a socket, and what it serves for.
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
    /// Since when the role is held, or until when it may be: the role says.
    pub(crate) time: Instant,
    pub(crate) ends: Ends,
    /// Whether role or time have changed in the look at the slot, so that the slots are to be sorted
    /// anew. Bytes that move leave it as it is.
    pub(crate) changed: bool,
    /// Whom an outgoing connection calls.
    pub(crate) peer: Option<IpEndpoint>,
}

/// What a socket serves for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Nothing, since the time: it can listen or connect.
    Free,
    /// It listens, or shakes hands with a client, since the time; [`Instant::MAX`] while there is
    /// no client.
    Listening(Listener),
    /// It is accepted, since the time, and the base has had no room for it.
    Waiting(Listener),
    /// It shakes hands with a peer we call, since the time.
    Connecting(Conn),
    /// The same, but other connects have their turn, and the socket is closed meanwhile.
    Queued(Conn),
    /// It is the base's connection, whose bytes last moved at the time.
    Open(Conn),
    /// It takes what is left in the ring of a connection that was closed, until the time.
    Closing(Conn),
    /// It delivers what it has, and the end of stream, until the time. The base has forgotten it.
    Lingering,
    /// It has delivered everything and waits for the peer's end of stream (FIN-WAIT-2), since the
    /// time.
    Finished,
    /// It sends a reset, until the time.
    Resetting,
}

/// Which ends of a connection's streams were reached.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ends {
    /// The base was told that the peer will send no more.
    pub(crate) input: bool,
    /// The application wants to send no more.
    pub(crate) output_wanted: bool,
    /// The socket was told to send no more.
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

    /// The connection of the base this slot belongs to.
    pub(crate) fn conn(&self) -> Option<Conn> {
        match self.role {
            Role::Connecting(conn)
            | Role::Queued(conn)
            | Role::Open(conn)
            | Role::Closing(conn) => Some(conn),
            _ => None,
        }
    }

    /// Whether there was no connection when it was looked at last.
    pub(crate) fn is_vacant(&self) -> bool {
        match self.role {
            Role::Listening(_) => self.time == Instant::MAX,
            role => role == Role::Free,
        }
    }

    /// Whether it is an outgoing connection that is not established yet.
    pub(crate) fn connects(&self) -> bool {
        matches!(self.role, Role::Connecting(_) | Role::Queued(_))
    }

    /// Until when the role may be held.
    pub(crate) fn until(&self, limits: &Limits) -> Instant {
        match self.role {
            Role::Closing(_) | Role::Lingering | Role::Resetting => self.time,
            Role::Connecting(_) | Role::Queued(_) => self.timeout(limits),
            Role::Finished => after(self.time, limits.fin_wait),
            Role::Free | Role::Listening(_) | Role::Waiting(_) | Role::Open(_) => Instant::MAX,
        }
    }

    /// When the peer is given up if nothing comes from it after the time.
    pub(crate) fn timeout(&self, limits: &Limits) -> Instant {
        after(self.time, limits.timeout)
    }

    /// Drops the connection without a word to the peer. The socket is free.
    pub(crate) fn forget(&mut self) {
        self.socket.forget();
        self.serve(Role::Free, Instant::ZERO);
    }

    /// Begins to call the peer.
    pub(crate) fn call(&mut self) -> Result<(), ConnError> {
        self.peer.map_or(Ok(()), |peer| self.socket.connect(peer))
    }

    /// Gives the end of stream, once.
    pub(crate) fn finish(&mut self) {
        if !core::mem::replace(&mut self.ends.output, true) {
            self.socket.close();
        }
    }

    /// Leaves the connection to the stack: it delivers what it has.
    pub(crate) fn linger(&mut self, until: Instant) {
        self.finish();
        self.serve(Role::Lingering, until);
    }

    /// Drops the connection, if there is one. The socket is free when the reset is sent, or when the
    /// linger time is up, if the stack cannot reach the peer.
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
