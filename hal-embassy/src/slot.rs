//! A slot of the pool: a socket, and its use.
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

/// How long a socket without a connection of the base waits for the stack to send its reset, or for
/// its peer's end of stream.
const ENDING: u32 = millis(2_000);

pub(crate) struct Slot<'n> {
    pub(crate) socket: Socket<'n>,
    pub(crate) role: Role,
    /// The time of the role; see [`Role`].
    pub(crate) time: Stamp,
    pub(crate) ends: Ends,
    /// The index of the base's pool that uses the socket. Not valid for a socket that is free or ending.
    pub(crate) pool: u8,
    /// The peer of an outgoing connection.
    pub(crate) peer: Option<IpEndpoint>,
}

/// The index of a listener in the adapter's list of listeners.
pub(crate) type Place = u16;

/// The use of a socket. Each role defines the meaning of the slot's time.
///
/// Roles that are often tested together have adjacent numbers, so that the test is one comparison.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    /// Not used: it can listen or connect.
    Free,
    /// Not used since the slot's time. It may still have to send a last acknowledgement (TIME-WAIT), so it is used
    /// after all other free sockets.
    Resting,
    /// It has had no connection of the base since the slot's time. It has to send a reset, or its peer has received
    /// everything and has not ended its stream yet (FIN-WAIT-2).
    Ending,
    /// It listens, and had no client at the last look. The slot's time is zero.
    Listening(Place),
    /// It has been in a handshake with a client since the slot's time.
    Handshake(Place),
    /// Its client connected at the slot's time, and the base has had no room for the client yet.
    Waiting(Place),
    /// Its connect began at the slot's time, and waits for a link, or for an address of the peer's family.
    Offline(Conn),
    /// Its connect began at the slot's time, is late, and waits for its time slice. The socket is closed meanwhile.
    Queued(Conn),
    /// Its connect began at the slot's time, and the handshake is under way.
    Connecting(Conn),
    /// It has a connection of the base. The slot's time is when bytes of the connection last moved.
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
    /// The base knows that the peer has acknowledged our end of stream.
    pub(crate) const DELIVERED: Self = Self(1 << 2);
    /// The connection was closed and waits only for the peer's end of stream.
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

    /// Starts to serve an established connection of the base.
    pub(crate) fn open(&mut self, conn: Conn, now: Stamp) {
        self.ends = Ends::default();
        self.serve(Role::Open(conn), now);
    }

    /// Returns the connection of the base that the slot belongs to; `None` if there is none.
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

    /// Returns whether the socket listens for the listener, or has a client of the listener that is not accepted yet.
    pub(crate) fn listens_for(&self, place: Option<usize>) -> bool {
        match self.role {
            Role::Listening(of) | Role::Handshake(of) | Role::Waiting(of) => {
                place == Some(of.into())
            }
            _ => false,
        }
    }

    /// Returns whether it is an outgoing connection that is not established yet and does not wait for the network.
    pub(crate) fn connects(&self) -> bool {
        matches!(self.role, Role::Connecting(_) | Role::Queued(_))
    }

    /// Returns the time that has passed since the slot's time.
    pub(crate) fn age(&self, now: Stamp) -> u32 {
        now.wrapping_sub(self.time)
    }

    /// Returns whether the timeout has passed since the slot's time. For an open connection, no byte has
    /// moved since then.
    pub(crate) fn is_silent(&self, env: &Env<'_>) -> bool {
        self.age(env.now) >= env.timeout
    }

    /// Frees the socket of an ending connection, if it has nothing left to send or its time is up.
    /// Otherwise returns the remaining time.
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

    /// Drops the connection without sending anything to the peer. The socket is free at once.
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
