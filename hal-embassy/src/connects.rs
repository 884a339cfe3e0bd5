//! Outgoing connections until they are established, and their time slices.
//!
//! The stack sends at most one request for a hardware address per second (ARP, NDP). The socket that sent the first
//! request also sends the next one. So a connect to a host that does not exist would delay all connects to other
//! neighbours until it fails.
//!
//! Therefore a connect that is unanswered for [`SLICE`] is late. Late connects use the stack one after another, each
//! for one time slice. The socket of a late connect is closed while another late connect has its time slice, and
//! while a younger connect is under way.
//!
//! A connect that begins without a link, or without an address of the peer's family, waits for the link and the
//! address with its socket closed. So an application does not have to wait for DHCP.

use core::fmt;
use core::net::SocketAddr;

use picoevent::{Conn, ConnError, EventBase};

use crate::address;
use crate::conns::has_lost_address;
use crate::env::Env;
use crate::pool::Pool;
use crate::ready;
use crate::slot::{Ends, Role, Slot};
use crate::socket::Phase;
use crate::time::Stamp;

/// The length of a time slice, as an exponent of two: 2^16 units of [`Stamp`](crate::time::Stamp) are 4.2 s. This is
/// enough for three requests for a hardware address, and for a SYN that is lost twice.
const SLICE: u32 = 16;

/// Whether a loop opens connections ([`Config::outgoing`](crate::Config::outgoing)).
///
/// The code for it is linked only where [`Outgoing::YES`] is named, as in the default configuration.
#[derive(Clone, Copy)]
pub struct Outgoing(Option<&'static Parts>);

/// The functions that are linked only for outgoing connections.
struct Parts {
    connect: OnConnect,
    answer: fn(&mut Slot<'_>, &Env<'_>) -> Option<Result<(), ConnError>>,
    take_turns: fn(&mut Pool<'_, '_>),
    call: fn(&mut Slot<'_>) -> Result<(), ConnError>,
}

type OnConnect = fn(&mut Pool<'_, '_>, Conn, SocketAddr) -> Result<(), ConnError>;

impl Outgoing {
    /// The application can open connections.
    pub const YES: Self = Self(Some(&Parts {
        connect: |pool, conn, peer| pool.open(conn, peer),
        answer,
        take_turns: |pool| pool.turn(),
        call,
    }));
    /// The application opens no connections: a connect fails with
    /// [`NoSocket`](ConnError::NoSocket).
    pub const NO: Self = Self(None);

    /// Returns the result of a connect; `None` while it is under way.
    pub(crate) fn answer(
        self,
        slot: &mut Slot<'_>,
        env: &Env<'_>,
    ) -> Option<Result<(), ConnError>> {
        (self.0?.answer)(slot, env)
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

impl Pool<'_, '_> {
    /// Opens a connection.
    #[inline(never)]
    pub(crate) fn connect<A>(&mut self, conn: Conn, base: &mut EventBase<'_, A>) {
        let Some(peer) = base.peer_of(conn) else { return };
        let connected = match self.state.env.outgoing.0 {
            Some(parts) => (parts.connect)(self, conn, peer),
            None => Err(ConnError::NoSocket),
        };
        if let Some(slot) = self.slot_of(conn) {
            slot.pool = base.pool_of(conn).unwrap_or_default() as u8;
        }
        if let Some(ousted) = self.state.ousted.take() {
            base.failed(ousted, ConnError::NoSocket);
        }
        if let Err(error) = connected {
            base.failed(conn, error);
        }
    }

    /// Restarts a connect that waits for its time slice, since its connection was closed: its output may still be
    /// delivered within the linger timeout.
    pub(crate) fn hurry(&mut self, conn: Conn) {
        let Env { outgoing, now, .. } = self.state.env;
        if let Some(parts) = outgoing.0
            && let Some(slot) = self.slot_of(conn)
            && (parts.call)(slot).is_ok()
        {
            slot.serve(Role::Connecting(conn), now);
            self.state.unsorted = true;
        }
    }

    /// Starts the connects that may use the stack now, and stops the late connects that may not.
    pub(crate) fn take_turns(&mut self) {
        if let Some(parts) = self.state.env.outgoing.0 {
            (parts.take_turns)(self);
        }
    }

    /// Opens a connection on a free socket, on a socket that listens, or on the socket of a connection that lingers.
    fn open(&mut self, conn: Conn, peer: SocketAddr) -> Result<(), ConnError> {
        let peer = address::peer_endpoint(peer).ok_or(ConnError::AddressInvalid)?;
        let way = self.state.env.network.find_way(peer.addr)?;
        // A socket may have become free since the last look, so sort the slots now. They are sorted again later, and
        // this sets the alarm.
        self.sort();
        self.state.unsorted = true;
        let index = self.candidate(0, 1).ok_or(ConnError::NoSocket)?;
        self.state.ousted = self.take(index);
        let slot = self.slots.get_mut(index).ok_or(ConnError::NoSocket)?;
        slot.peer = Some(peer);
        slot.ends = Ends::default();
        slot.serve(Role::Offline(conn), self.state.env.now);
        match way {
            Some(()) => slot.go_online(conn, self.state.env.now),
            None => Ok(()),
        }
    }

    fn turn(&mut self) {
        let now = self.state.env.now;
        let is_late = |slot: &Slot<'_>| slot.age(now) >> SLICE > 0;
        let (mut young, mut late) = (0_usize, 0_usize);
        for slot in self.slots.iter().filter(|slot| slot.connects()) {
            let count = if is_late(slot) { &mut late } else { &mut young };
            *count = count.wrapping_add(1);
        }
        if self.slots.iter().any(|slot| matches!(slot.role, Role::Offline(_))) {
            // If another task has the stack's only waker, nothing wakes this task when the network is up. So look
            // again after a time slice.
            self.state.ring_in(1 << SLICE);
        }
        let connects = young.wrapping_add(late);
        if connects == 0 {
            return;
        }
        if connects > 1 {
            let slice = 1_u32 << SLICE;
            self.state.ring_in(slice.wrapping_sub(now & slice.wrapping_sub(1)));
        }
        // The number of late connects before the late connect that has the time slice now. While a younger connect is
        // under way, no late connect has it.
        let turn = ((now >> SLICE) as usize).checked_rem(late).filter(|_| young == 0);
        let mut before = turn.unwrap_or(late);
        for (index, slot) in self.slots.iter_mut().enumerate() {
            if !slot.connects() || !is_late(slot) {
                continue;
            }
            self.state.unwatched |= ready::mask(index);
            let has_turn = before == 0;
            before = before.wrapping_sub(1);
            let role = slot.role;
            match role {
                // Without a local address the connect tries again at the next look.
                Role::Queued(conn) if has_turn && call(slot).is_ok() => {
                    slot.role = Role::Connecting(conn);
                }
                Role::Connecting(conn) if !has_turn => {
                    slot.socket.forget();
                    slot.role = Role::Queued(conn);
                }
                _ => {}
            }
        }
    }
}

impl Slot<'_> {
    /// Begins the handshake of a connect that has waited for the network.
    fn go_online(&mut self, conn: Conn, now: Stamp) -> Result<(), ConnError> {
        call(self)?;
        self.serve(Role::Connecting(conn), now);
        Ok(())
    }

    /// Begins the handshake of a connect that waits for the network, if the stack has a link and an address now.
    ///
    /// # Errors
    /// [`ConnError::Unreachable`] if the connect has waited too long, or there is no route.
    /// [`ConnError::AddressInvalid`] if the peer's address is the broadcast address of our network.
    fn look_for_way(&mut self, conn: Conn, env: &Env<'_>) -> Result<(), ConnError> {
        let way = self.peer.map_or(Ok(None), |peer| env.network.find_way(peer.addr))?;
        match way {
            Some(()) => self.go_online(conn, env.now),
            None if self.is_silent(env) => Err(ConnError::Unreachable),
            None => Ok(()),
        }
    }
}

/// Returns the result of a connect; `None` while it is under way.
fn answer(slot: &mut Slot<'_>, env: &Env<'_>) -> Option<Result<(), ConnError>> {
    if let Role::Offline(conn) = slot.role {
        return slot.look_for_way(conn, env).err().map(Err);
    }
    let is_queued = matches!(slot.role, Role::Queued(_));
    if env.network.lost && !is_queued && has_lost_address(slot, env) {
        return Some(Err(ConnError::AddressLost));
    }
    let late = slot.is_silent(env);
    match slot.socket.phase() {
        Phase::Handshake if !late => None,
        Phase::Closed if !late && is_queued => None,
        Phase::Handshake | Phase::Closed => {
            let given_up = late || slot.socket.owes_reset();
            slot.socket.forget();
            Some(Err(if given_up { ConnError::TimedOut } else { ConnError::Refused }))
        }
        _ => Some(Ok(())),
    }
}

/// Begins the handshake with the peer.
fn call(slot: &mut Slot<'_>) -> Result<(), ConnError> {
    slot.peer.map_or(Ok(()), |peer| slot.socket.connect(peer))
}
