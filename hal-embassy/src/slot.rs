//! A slot of the pool: a socket, and what it is used for.
//!
//! ```text
//!            ┌─────────────────── Free ◀───────────────────────┐
//!   listener │                     │ connect                   │
//!            ▼                     ▼                           │
//!        Listening       Queued ◀▶ Connecting ◀── Offline      │
//!            │ a SYN               │                           │
//!            ▼                     │                           │
//!        Handshake ──▶ Waiting ──▶ Open ──────────────────▶ Ending
//!              (for the base     (a connection       (its reset, or its
//!               to have room)     of the base)        peer's end is awaited)
//! ```

use embassy_net::IpEndpoint;
use picoevent::Conn;

use crate::env::Env;
use crate::socket::{Phase, Socket};
use crate::time::{Stamp, millis};

/// How long a socket without a connection of the base waits for the stack to send its reset, or for its
/// peer's end of stream.
const ENDING: u32 = millis(2_000);

pub(crate) struct Slot<'n> {
    pub(crate) socket: Socket<'n>,
    pub(crate) role: Role,
    /// Since when the role is held; see [`Role`].
    pub(crate) time: Stamp,
    pub(crate) ends: Ends,
    /// The pool of the base that the socket is used for; not of one that is free or ending.
    pub(crate) pool: u8,
    /// The peer of an outgoing connection.
    pub(crate) peer: Option<IpEndpoint>,
}

/// The place of a listener among the listeners of the adapter.
pub(crate) type Place = u16;

/// What a socket is used for. Each role says what the slot's time means.
///
/// Roles that are often asked for together stand together, so that the question is one comparison.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    /// Nothing: it can listen or connect.
    Free,
    /// The same, since the time, but it may still have to send a last answer (TIME-WAIT), so it is used
    /// after all others.
    Resting,
    /// It has no connection of the base any more, since the time: it has to send a reset, or its peer has
    /// everything and has not ended its stream yet (FIN-WAIT-2).
    Ending,
    /// It listens, and had no client at the last look. The time is zero.
    Listening(Place),
    /// It is in a handshake with a client since the time.
    Handshake(Place),
    /// It is accepted, since the time, and the base has had no room for it.
    Waiting(Place),
    /// It is to connect, since the time, and waits for a link, or for an address of the peer's family.
    Offline(Conn),
    /// It is in a handshake that we began, since the time, but other connects have their turn, and the socket is
    /// closed meanwhile.
    Queued(Conn),
    /// It is in a handshake that we began, since the time.
    Connecting(Conn),
    /// It is the base's connection, whose bytes last moved at the time.
    Open(Conn),
}

/// Which ends of a connection's streams were reached.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ends(u8);

impl Ends {
    /// The base knows that the peer will send no more.
    pub(crate) const INPUT: Self = Self(1 << 0);
    /// The socket was closed for sending.
    pub(crate) const OUTPUT: Self = Self(1 << 1);
    /// The base knows that the peer has our end of stream.
    pub(crate) const DELIVERED: Self = Self(1 << 2);
    /// The connection was closed and waits for the peer's end of stream only.
    pub(crate) const LINGERS: Self = Self(1 << 3);

    pub(crate) const fn has(self, end: Self) -> bool {
        self.0 & end.0 != 0
    }

    pub(crate) const fn set(&mut self, end: Self, is_reached: bool) {
        self.0 = if is_reached { self.0 | end.0 } else { self.0 & !end.0 };
    }
}

impl<'n> Slot<'n> {
    pub(crate) fn new(socket: Socket<'n>) -> Self {
        Self { socket, role: Role::Free, time: 0, ends: Ends::default(), pool: 0, peer: None }
    }

    pub(crate) fn serve(&mut self, role: Role, time: Stamp) {
        (self.role, self.time) = (role, time);
    }

    /// Begins to serve a connection of the base that is established.
    pub(crate) fn open(&mut self, conn: Conn, now: Stamp) {
        self.ends = Ends::default();
        self.serve(Role::Open(conn), now);
    }

    /// Returns the connection of the base this slot belongs to.
    pub(crate) fn conn(&self) -> Option<Conn> {
        match self.role {
            Role::Connecting(conn)
            | Role::Queued(conn)
            | Role::Offline(conn)
            | Role::Open(conn) => Some(conn),
            _ => None,
        }
    }

    /// Returns whether the socket is used for this pool of the base.
    pub(crate) fn is_for(&self, pool: u8) -> bool {
        !matches!(self.role, Role::Free | Role::Resting | Role::Ending) && self.pool == pool
    }

    /// Returns whether it listens for the listener, or has a client that waits for it.
    pub(crate) fn listens_for(&self, place: Option<usize>) -> bool {
        match self.role {
            Role::Listening(of) | Role::Handshake(of) | Role::Waiting(of) => {
                place == Some(of.into())
            }
            _ => false,
        }
    }

    /// Returns whether it is an outgoing connection that is not established yet.
    pub(crate) fn connects(&self) -> bool {
        matches!(self.role, Role::Connecting(_) | Role::Queued(_))
    }

    /// Returns for how long the role is held.
    pub(crate) fn age(&self, now: Stamp) -> u32 {
        now.wrapping_sub(self.time)
    }

    /// Returns whether nothing has come from the peer for so long that it is given up.
    pub(crate) fn is_silent(&self, env: &Env<'_>) -> bool {
        self.age(env.now) >= env.timeout
    }

    /// Makes the socket of an ending connection free, if it owes nothing or its time is up. Returns how
    /// long that may take otherwise.
    #[inline(never)]
    pub(crate) fn release(&mut self, now: Stamp) -> Option<u32> {
        let left = ENDING.saturating_sub(self.age(now));
        match self.socket.phase() {
            Phase::Closed if left > 0 && self.socket.owes_reset() => return Some(left),
            Phase::Closed => self.serve(Role::Free, 0),
            Phase::Done => self.serve(Role::Resting, now),
            _ if left > 0 => return Some(left),
            _ => {
                self.abort(now);
                return Some(ENDING);
            }
        }
        None
    }

    /// Drops the connection without sending anything to the peer. The socket is free.
    #[inline(never)]
    pub(crate) fn forget(&mut self) {
        self.socket.forget();
        self.serve(Role::Free, 0);
    }

    /// Drops the connection, if there is one. The socket is free when the reset is sent, or after
    /// [`ENDING`] if the stack cannot reach the peer.
    #[inline(never)]
    pub(crate) fn abort(&mut self, now: Stamp) {
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
