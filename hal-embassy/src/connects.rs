//! Outgoing connections until they are established, and their time slices.
//!
//! The stack sends at most one request for a hardware address per second (ARP, NDP). The socket that sent the first
//! request also sends the next one. So a connect to a host that does not exist would delay all connects to other
//! neighbours until that connect fails.
//!
//! Therefore a connect that is unanswered for one time slice ([`TIME_SLICE_SHIFT`]) is late. Late connects use the
//! stack one after another, each for one time slice. Outside its time slice, a late connect waits, and its socket is
//! closed. While a connect that is not late is under way, it has three of four time slices, and a late connect has the
//! fourth. Without the fourth, a connect that is begun again every few seconds would block all late connects for good.
//!
//! If a connect begins without a link, or without an address of the peer's family, the connect waits for the link and
//! the address. Until then, its socket is closed. So an application does not have to wait for DHCP.

use core::fmt;
use core::net::SocketAddr;

use picoevent::{Conn, ConnError, EventBase};

use crate::address;
use crate::conns::has_lost_address;
use crate::env::Env;
use crate::ready;
use crate::slot::{Ends, Role, Slot};
use crate::socket::Phase;
use crate::socket_table::SocketTable;
use crate::time::Stamp;

/// The length of a time slice, as an exponent of two: 2^16 units of [`Stamp`](crate::time::Stamp) are 4.2 s. This is
/// enough for three requests for a hardware address, and for a SYN that is lost twice.
const TIME_SLICE_SHIFT: u32 = 16;

/// While a connect that is not late is under way, one of this number of time slices belongs to a late connect.
const SLICES_PER_LATE: u32 = 4;

/// Whether a loop opens connections ([`Config::outgoing`](crate::Config::outgoing)).
///
/// The code that opens connections is linked only if the program uses [`Outgoing::YES`]. The default configuration
/// uses [`Outgoing::YES`].
#[derive(Clone, Copy)]
pub struct Outgoing(Option<&'static Hooks>);

/// The functions that are linked only for outgoing connections.
struct Hooks {
    connect: OnConnect,
    result: fn(&mut Slot<'_>, &Env<'_>) -> Option<Result<(), ConnError>>,
    schedule: fn(&mut SocketTable<'_, '_>),
    start_handshake: fn(&mut Slot<'_>) -> Result<(), ConnError>,
}

/// Stores the connection that loses its socket to the connect in the last argument.
type OnConnect =
    fn(&mut SocketTable<'_, '_>, Conn, SocketAddr, &mut Option<Conn>) -> Result<(), ConnError>;

impl Outgoing {
    /// The application can open connections.
    pub const YES: Self = Self(Some(&Hooks {
        connect: |table, conn, peer, evicted| table.open(conn, peer, evicted),
        result,
        schedule: |table| table.assign_time_slice(),
        start_handshake,
    }));
    /// The application opens no connections: a connect fails with
    /// [`NoSocket`](ConnError::NoSocket).
    pub const NO: Self = Self(None);

    /// Returns the result of a connect; `None` while it is under way.
    pub(crate) fn result(
        self,
        slot: &mut Slot<'_>,
        env: &Env<'_>,
    ) -> Option<Result<(), ConnError>> {
        (self.0?.result)(slot, env)
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Outgoing::YES" } else { "Outgoing::NO" })
    }
}

impl PartialEq for Outgoing {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_some() == other.0.is_some()
    }
}

impl Eq for Outgoing {}

impl SocketTable<'_, '_> {
    /// Opens a connection.
    #[inline(never)]
    pub(crate) fn connect<A>(&mut self, conn: Conn, base: &mut EventBase<'_, A>) {
        let Some(peer) = base.peer_of(conn) else { return };
        let mut evicted = None;
        let connected = match self.state.env.outgoing.0 {
            Some(hooks) => (hooks.connect)(self, conn, peer, &mut evicted),
            None => Err(ConnError::NoSocket),
        };
        if let Some(slot) = self.slot_of(conn) {
            slot.pool = base.pool_of(conn).unwrap_or_default() as u8;
        }
        if let Some(evicted) = evicted {
            base.failed(evicted, ConnError::NoSocket);
        }
        if let Err(error) = connected {
            base.failed(conn, error);
        }
    }

    /// Restarts a connect that waits for its time slice. Called when the application has closed the connection. The
    /// connect then begins at once, so that the output can still be delivered within the linger timeout.
    pub(crate) fn connect_now(&mut self, conn: Conn) {
        let Env { outgoing, now, .. } = self.state.env;
        if let Some(hooks) = outgoing.0
            && let Some(slot) = self.slot_of(conn)
            && (hooks.start_handshake)(slot).is_ok()
        {
            slot.set_role(Role::Connecting(conn), now);
            self.state.roles_changed = true;
        }
    }

    /// Starts the connects that may use the stack now, and stops the late connects that may not use the stack now.
    pub(crate) fn schedule_connects(&mut self) {
        if let Some(hooks) = self.state.env.outgoing.0 {
            (hooks.schedule)(self);
        }
    }

    /// Opens a connection on a free socket, on a socket that listens, or on the socket of a connection that lingers. In
    /// the last case, stores this connection in `evicted`: the caller must report to the base that it has failed.
    fn open(
        &mut self,
        conn: Conn,
        peer: SocketAddr,
        evicted: &mut Option<Conn>,
    ) -> Result<(), ConnError> {
        let peer = address::peer_endpoint(peer).ok_or(ConnError::AddressInvalid)?;
        let route = self.state.env.network.check_route(peer.addr)?;
        // A socket may have become free since the last review of the roles, so review them now. `arrange` reviews the
        // roles again and sets the alarm.
        self.review_roles();
        self.state.roles_changed = true;
        let index = self.candidate(0, 1, u16::MAX).ok_or(ConnError::NoSocket)?;
        *evicted = self.evict(index);
        let slot = self.slots.get_mut(index).ok_or(ConnError::NoSocket)?;
        slot.peer = Some(peer);
        slot.ends = Ends::default();
        slot.set_role(Role::Offline(conn), self.state.env.now);
        match route {
            Some(()) => slot.go_online(conn, self.state.env.now),
            None => Ok(()),
        }
    }

    fn assign_time_slice(&mut self) {
        let now = self.state.env.now;
        let is_late = |slot: &Slot<'_>| slot.age(now) >> TIME_SLICE_SHIFT > 0;
        let (mut recent, mut late) = (0_usize, 0_usize);
        for slot in self.slots.iter().filter(|slot| slot.is_connecting_or_queued()) {
            let count = if is_late(slot) { &mut late } else { &mut recent };
            *count = count.wrapping_add(1);
        }
        if self.slots.iter().any(|slot| matches!(slot.role, Role::Offline(_))) {
            // The stack has only one waker for changes of the network. If another task has set this waker, nothing
            // wakes our task when the network is up. So examine the sockets again after a time slice.
            self.state.set_alarm_within(1 << TIME_SLICE_SHIFT);
        }
        let connects = recent.wrapping_add(late);
        if connects == 0 {
            return;
        }
        if connects > 1 {
            let slice = 1_u32 << TIME_SLICE_SHIFT;
            self.state.set_alarm_within(slice.wrapping_sub(now & slice.wrapping_sub(1)));
        }
        let number = now >> TIME_SLICE_SHIFT;
        let late_runs = late > 0 && (recent == 0 || number.is_multiple_of(SLICES_PER_LATE));
        let turn = if recent == 0 { number } else { number / SLICES_PER_LATE };
        // The index, among the late connects only, of the connect that has the time slice now.
        let chosen = (turn as usize).checked_rem(late).filter(|_| late_runs);
        let mut to_skip = chosen.unwrap_or(late);
        for (index, slot) in self.slots.iter_mut().enumerate() {
            if !slot.is_connecting_or_queued() {
                continue;
            }
            self.state.unwatched |= ready::mask(index);
            let has_time_slice = if is_late(slot) {
                let has_time_slice = to_skip == 0;
                to_skip = to_skip.wrapping_sub(1);
                has_time_slice
            } else {
                !late_runs
            };
            let role = slot.role;
            match role {
                // Without a local address `start_handshake` fails. The connect stays queued and tries again when this
                // function runs next.
                Role::Queued(conn) if has_time_slice && start_handshake(slot).is_ok() => {
                    slot.role = Role::Connecting(conn);
                }
                Role::Connecting(conn) if !has_time_slice => {
                    slot.socket.drop_without_reset();
                    slot.role = Role::Queued(conn);
                }
                _ => {}
            }
        }
    }
}

impl Slot<'_> {
    /// Begins the handshake of a connect: the stack has a link, an address and a route now.
    fn go_online(&mut self, conn: Conn, now: Stamp) -> Result<(), ConnError> {
        start_handshake(self)?;
        self.set_role(Role::Connecting(conn), now);
        Ok(())
    }

    /// Begins the handshake of a connect that waits for the network, if the stack has a link and an address now.
    ///
    /// # Errors
    /// [`ConnError::Unreachable`] if the connect has waited too long, or there is no route.
    /// [`ConnError::AddressInvalid`] if the peer's address is the broadcast address of our network.
    fn go_online_if_possible(&mut self, conn: Conn, env: &Env<'_>) -> Result<(), ConnError> {
        let route = self.peer.map_or(Ok(None), |peer| env.network.check_route(peer.addr))?;
        match route {
            Some(()) => self.go_online(conn, env.now),
            None if self.is_timed_out(env) => Err(ConnError::Unreachable),
            None => Ok(()),
        }
    }
}

/// Returns the result of a connect; `None` while it is under way.
fn result(slot: &mut Slot<'_>, env: &Env<'_>) -> Option<Result<(), ConnError>> {
    if let Role::Offline(conn) = slot.role {
        return slot.go_online_if_possible(conn, env).err().map(Err);
    }
    let is_queued = matches!(slot.role, Role::Queued(_));
    if env.network.address_lost && !is_queued && has_lost_address(slot, env) {
        return Some(Err(ConnError::AddressLost));
    }
    let is_timed_out = slot.is_timed_out(env);
    match slot.socket.phase() {
        Phase::Handshake if !is_timed_out => None,
        Phase::Closed if !is_timed_out && is_queued => None,
        Phase::Handshake | Phase::Closed => {
            let timed_out = is_timed_out || slot.socket.has_pending_reset();
            slot.socket.drop_without_reset();
            Some(Err(if timed_out { ConnError::TimedOut } else { ConnError::Refused }))
        }
        _ => Some(Ok(())),
    }
}

/// Begins the handshake with the peer.
fn start_handshake(slot: &mut Slot<'_>) -> Result<(), ConnError> {
    slot.peer.map_or(Ok(()), |peer| slot.socket.connect(peer))
}
