//! A slot of the socket table: a socket, and what the socket is used for.
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

/// The time limit of a socket in the role [`Role::Ending`]: the stack must send the socket's reset, or the peer must
/// end its stream, within this time.
const ENDING_LIMIT: u32 = millis(2_000);

pub(crate) struct Slot<'n> {
    pub(crate) socket: Socket<'n>,
    pub(crate) role: Role,
    /// When the role began, or another time that the role defines; see [`Role`].
    pub(crate) time: Stamp,
    pub(crate) ends: Ends,
    /// The index of the base's pool that uses the socket. Not valid for a socket that is free or ending.
    pub(crate) pool: u8,
    /// The peer of an outgoing connection.
    pub(crate) peer: Option<IpEndpoint>,
}

/// The index of a listener in the adapter's list of listeners.
pub(crate) type ListenerIndex = u16;

/// The use of a socket. Each role defines the meaning of the slot's time.
///
/// Roles that are often tested together have adjacent numbers, so that the test is one comparison.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    /// The socket is not used: it can listen or connect.
    Free,
    /// The socket has not been used since the slot's time. It may still have to send a last acknowledgement
    /// (TIME-WAIT), so it is used after all other free sockets.
    Resting,
    /// The socket no longer has a connection of the base. It still has to send a reset, or its peer has received
    /// everything and has not ended its stream yet (FIN-WAIT-2). The slot's time is the time at which the connection
    /// was dropped. In FIN-WAIT-2 it is the time at which bytes of the connection last moved.
    Ending,
    /// The socket listens, and had no client when the loop examined it last. The slot's time is zero.
    Listening(ListenerIndex),
    /// The socket has been in a handshake with a client since the slot's time.
    Handshake(ListenerIndex),
    /// A client connected to the socket at the slot's time, and the base has had no room for the client yet.
    Waiting(ListenerIndex),
    /// A connect began at the slot's time, and waits for a link, or for an address of the peer's family.
    Offline(Conn),
    /// A connect began at the slot's time, and was not answered within one time slice ([`crate::connects`]). The
    /// connect waits for its next time slice, and the socket is closed meanwhile.
    Queued(Conn),
    /// A connect began at the slot's time, and the handshake is under way.
    Connecting(Conn),
    /// The socket has a connection of the base. The slot's time is when bytes of the connection last moved.
    Open(Conn),
}

/// Which steps of the end of a connection have happened.
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

    pub(crate) fn set_role(&mut self, role: Role, time: Stamp) {
        (self.role, self.time) = (role, time);
    }

    /// Starts to serve an established connection of the base.
    pub(crate) fn open(&mut self, conn: Conn, now: Stamp) {
        self.ends = Ends::default();
        self.set_role(Role::Open(conn), now);
    }

    /// Returns the connection of the base that uses the slot; `None` if no connection of the base uses it.
    pub(crate) fn conn(&self) -> Option<Conn> {
        match self.role {
            Role::Connecting(conn)
            | Role::Queued(conn)
            | Role::Offline(conn)
            | Role::Open(conn) => Some(conn),
            _ => None,
        }
    }

    /// Returns whether the socket is used for the base's pool `pool`.
    pub(crate) fn is_for(&self, pool: u8) -> bool {
        !matches!(self.role, Role::Free | Role::Resting | Role::Ending) && self.pool == pool
    }

    /// Returns whether the socket listens for the listener, or has a client of the listener that is not accepted yet.
    pub(crate) fn listens_for(&self, index: Option<usize>) -> bool {
        match self.role {
            Role::Listening(listener_index)
            | Role::Handshake(listener_index)
            | Role::Waiting(listener_index) => index == Some(listener_index.into()),
            _ => false,
        }
    }

    /// Returns whether the slot has an outgoing connection that is not established yet and does not wait for the
    /// network.
    pub(crate) fn is_connecting_or_queued(&self) -> bool {
        matches!(self.role, Role::Connecting(_) | Role::Queued(_))
    }

    /// Returns the time that has passed since the slot's time.
    pub(crate) fn age(&self, now: Stamp) -> u32 {
        now.wrapping_sub(self.time)
    }

    /// Returns whether the timeout has passed since the slot's time. For an open connection: whether no byte has moved
    /// for the whole timeout.
    pub(crate) fn is_timed_out(&self, env: &Env<'_>) -> bool {
        self.age(env.now) >= env.timeout
    }

    /// Frees the socket of an ending connection, if the socket has nothing left to send, or could not send its reset
    /// within the time limit. If the peer has not ended its stream within the time limit, resets the connection, and
    /// the time limit begins again. Returns the remaining time; `None` if the socket is free.
    #[inline(never)]
    pub(crate) fn free_if_done(&mut self, now: Stamp) -> Option<u32> {
        let left = ENDING_LIMIT.saturating_sub(self.age(now));
        match self.socket.phase() {
            Phase::Closed if left > 0 && self.socket.has_pending_reset() => return Some(left),
            Phase::Closed => self.set_role(Role::Free, 0),
            Phase::Done => self.set_role(Role::Resting, now),
            _ if left > 0 => return Some(left),
            _ => {
                self.abort(now);
                return Some(ENDING_LIMIT);
            }
        }
        None
    }

    /// Drops the connection without sending anything to the peer. The socket is free at once.
    #[inline(never)]
    pub(crate) fn drop_without_reset(&mut self) {
        self.socket.drop_without_reset();
        self.set_role(Role::Free, 0);
    }

    /// Drops the connection, if there is one. The socket is free when the reset is sent, or after
    /// [`ENDING_LIMIT`] if the stack cannot reach the peer.
    #[inline(never)]
    pub(crate) fn abort(&mut self, now: Stamp) {
        match self.socket.phase() {
            Phase::Listening => self.socket.close(),
            Phase::Closed | Phase::Done => {}
            Phase::Handshake | Phase::Open | Phase::Finishing | Phase::Finished => {
                self.socket.abort();
            }
        }
        self.set_role(Role::Ending, now);
    }
}
