//! Outgoing connections until they are established, and which of them have their turn.
//!
//! The stack asks for the hardware address of one neighbour a second in all (ARP, NDP), and the
//! socket that asked before asks again first. So a connect to a host that does not exist would delay
//! all connects to other neighbours until it is given up.
//!
//! Therefore a connect without an answer for [`SLICE`] takes turns with the others: its socket is
//! closed while a younger connect is under way, and while another such connect has its turn.

use core::fmt;
use core::net::SocketAddr;

use picoevent::{Conn, ConnError, EventBase, Instant, Tuning};

use crate::address;
use crate::pool::{Pool, Wanted};
use crate::ready;
use crate::slot::{Ends, Role, Slot};

/// How long a connect has the stack to itself, as a power of two of microseconds: 4.2 s. That is
/// time for three requests for a hardware address, and for a SYN that is lost twice.
const SLICE: u32 = 22;

/// Whether a loop opens connections ([`Config::outgoing`](crate::Config::outgoing)).
///
/// The code for it is linked only where [`Outgoing::YES`] is named, as in the default configuration.
#[derive(Clone, Copy)]
pub struct Outgoing(Option<&'static Parts>);

/// The functions that are linked for outgoing connections.
struct Parts {
    connect: OnConnect,
    take_turns: fn(&mut Pool<'_, '_>),
    call: fn(&mut Slot<'_>) -> Result<(), ConnError>,
}

type OnConnect = fn(&mut Pool<'_, '_>, Conn, SocketAddr) -> Result<(), ConnError>;

impl Outgoing {
    /// The application can open connections.
    pub const YES: Self = Self(Some(&Parts {
        connect: |pool, conn, peer| pool.open(conn, peer),
        take_turns: |pool| pool.turn(),
        call: |slot| slot.call(),
    }));
    /// No connection is opened: a connect fails with [`NoSocket`](ConnError::NoSocket).
    pub const NO: Self = Self(None);
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
    ///
    /// # Errors
    /// The reason why it cannot be opened.
    pub(crate) fn connect<A>(
        &mut self,
        conn: Conn,
        peer: SocketAddr,
        base: &mut EventBase<'_, A>,
    ) -> Result<(), ConnError> {
        let parts = self.state.outgoing.0.ok_or(ConnError::NoSocket)?;
        let connected = (parts.connect)(self, conn, peer);
        if let Some(ousted) = self.state.ousted.take() {
            base.failed(ousted, ConnError::NoSocket);
        }
        connected
    }

    /// Begins a connect that waits for its turn anew: its connection was closed, and its output may still
    /// be delivered within the time for that.
    pub(crate) fn hurry(&mut self, conn: Conn) {
        let (outgoing, now) = (self.state.outgoing, self.state.env.now);
        if let Some(parts) = outgoing.0
            && let Some(slot) = self.slot_of(conn)
            && slot.role == Role::Queued(conn)
            && (parts.call)(slot).is_ok()
        {
            slot.serve(Role::Connecting(conn), now);
            self.state.unsorted = true;
        }
    }

    /// Starts the connects that have their turn, and stops the others.
    pub(crate) fn take_turns(&mut self) {
        if let Some(parts) = self.state.outgoing.0 {
            (parts.take_turns)(self);
        }
    }

    /// Opens a connection with a free socket, with one that listens, or with that of a connection that
    /// lingers.
    fn open(&mut self, conn: Conn, peer: SocketAddr) -> Result<(), ConnError> {
        let peer = address::peer_endpoint(peer).ok_or(ConnError::AddressInvalid)?;
        self.state.env.network.find_way(peer.addr)?;
        // A socket may have become free since. Whatever comes of this, the alarm is set anew.
        self.sort();
        self.state.unsorted = true;
        let choices = [Wanted::Free, Wanted::Spare(1), Wanted::Lingering];
        let index = choices.into_iter().find_map(|wanted| self.oldest(wanted, 0));
        let index = index.ok_or(ConnError::NoSocket)?;
        self.state.unwatched |= ready::mask(index);
        let slot = self.slots.get_mut(index).ok_or(ConnError::NoSocket)?;
        self.state.ousted = slot.conn();
        slot.abort(self.state.env.now);
        slot.socket.tune(Tuning::DEFAULT);
        slot.socket.connect(peer)?;
        slot.peer = Some(peer);
        slot.ends = Ends::default();
        slot.serve(Role::Connecting(conn), self.state.env.now);
        Ok(())
    }

    fn turn(&mut self) {
        let now = self.state.env.now;
        let is_late =
            |slot: &Slot<'_>| now.as_micros().saturating_sub(slot.time.as_micros()) >> SLICE > 0;
        let (mut young, mut late) = (0_usize, 0_usize);
        for slot in self.slots.iter().filter(|slot| slot.connects()) {
            let count = if is_late(slot) { &mut late } else { &mut young };
            *count = count.wrapping_add(1);
        }
        let connects = young.wrapping_add(late);
        if connects == 0 {
            return;
        }
        if connects > 1 {
            let end = now.as_micros() | ((1 << SLICE) - 1);
            self.state.alarm = self.state.alarm.min(Instant::from_micros(end.saturating_add(1)));
        }
        // The number of late ones before the one that has its turn.
        let turn = ((now.as_micros() >> SLICE) as usize).checked_rem(late).filter(|_| young == 0);
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
                // Without a local address it tries again at the next look.
                Role::Queued(conn) if has_turn && slot.call().is_ok() => {
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
