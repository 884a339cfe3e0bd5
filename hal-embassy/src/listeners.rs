//! Listeners, made of sockets that listen.
//!
//! The stack has no listener: each socket that listens takes one client, and a client that finds no listening socket
//! is refused with a reset. So all sockets that are not needed otherwise listen, up to the backlog of each listener.
//! When a client takes a socket, the next turn of the loop makes another socket listen.
//!
//! The stack gives a segment to the first of its sockets that accepts it, and a listening socket accepts every SYN.
//! If our answer to a SYN is lost, the client retransmits the SYN. The repeated SYN would reach a listening socket
//! that comes before the socket in handshake. The client would get two answers, and would reset the socket whose
//! answer it does not accept. Two rules prevent that:
//!
//! * While the SYN of a handshake may be retransmitted ([`REPEATS`]), no socket before the socket in handshake
//!   listens for the same listener.
//! * A handshake is dropped when a later socket has a connection with the same client and port, and this connection
//!   began or moved bytes in the last 4 s: the SYN came twice, or late. If the client completes a handshake, the
//!   client has restarted with the same port, and the connection of the later socket is dead.

use core::net::SocketAddr;

use embassy_net::IpListenEndpoint;
use picoevent::{Conn, ConnError, EventBase, ListenError, Listener};

use crate::address;
use crate::log;
use crate::pool::Pool;
use crate::ready;
use crate::slot::{Place, Role, Slot};
use crate::socket::Phase;
use crate::time::millis;

/// The range of a handshake's age in which the client may retransmit its SYN: the first time after 1 s (RFC
/// 6298), the second time 2 s later. After that, other sockets may listen again, even if the second
/// retransmission is lost, too.
const REPEATS: [u32; 2] = [millis(500), millis(4_000)];

/// The shortest time that a peer gets to end its stream after it has received everything, even
/// while no socket listens: a round trip, and time to read.
const GRACE: u32 = millis(250);

/// A listener. It keeps its index in the list of listeners while it is disabled, since clients that wait to be
/// accepted refer to the index.
#[derive(Clone, Copy)]
pub(crate) struct Listening {
    listener: Listener,
    endpoint: IpListenEndpoint,
    /// The index of the base's pool for its connections.
    pool: u8,
    /// The number of its sockets without a client at the last look.
    pub(crate) vacant: u16,
    /// The index of the first socket that may listen for it now; [`NONE`] if no socket may.
    first: u16,
    is_enabled: bool,
    /// Whether the listener was removed, so that another listener can use its entry.
    is_gone: bool,
}

/// No socket: there are fewer sockets than this.
const NONE: u16 = u16::MAX;

impl Listening {
    /// Clears the results of the last look at the sockets.
    pub(crate) fn recount(&mut self) {
        (self.vacant, self.first) = (0, if self.is_enabled { 0 } else { NONE });
    }
}

impl<'n> Pool<'_, 'n> {
    /// Adds a listener, or enables it again. Its sockets begin to listen with the next [`Pool::fill`].
    #[inline(never)]
    pub(crate) fn listen<A>(&mut self, listener: Listener, base: &mut EventBase<'_, A>) {
        let Some(address) = base.address_of(listener) else { return };
        // A single pool works with any number of sockets; several pools would take sockets from
        // each other.
        let needed = base.pool_sizes().fold(0, usize::saturating_add);
        let added = if needed > self.slots.len()
            && base.pool_sizes().filter(|size| *size > 0).count() > 1
        {
            Err(ListenError::NoSocket)
        } else {
            let pool = base.pool_of_listener(listener).unwrap_or_default();
            self.add(listener, address, pool as u8)
        };
        if let Err(error) = added {
            base.listen_failed(listener, error);
        }
    }

    /// Adds a listener of a pool.
    ///
    /// # Errors
    /// The reason why the listener cannot be added. For example, there can be no more listeners than sockets.
    fn add(
        &mut self,
        listener: Listener,
        address: SocketAddr,
        pool: u8,
    ) -> Result<(), ListenError> {
        let endpoint = address::listen_endpoint(address).ok_or(ListenError::Invalid)?;
        let mut place = usize::MAX;
        for (index, held) in self.listeners.iter().enumerate() {
            if held.listener == listener || held.is_gone && place == usize::MAX {
                place = index;
            } else if held.is_enabled && address::overlap(held.endpoint, endpoint) {
                return Err(ListenError::InUse);
            }
        }
        let new = Listening {
            listener,
            endpoint,
            pool,
            vacant: 0,
            first: 0,
            is_enabled: true,
            is_gone: false,
        };
        match self.listeners.get_mut(place) {
            Some(held) => *held = new,
            None => self.listeners.push(new).map_err(|_| ListenError::NoSocket)?,
        }
        self.state.unsorted = true;
        log::listening(endpoint.port);
        Ok(())
    }

    /// Stops listening. Clients that have connected already wait until the listener is enabled again; if the listener
    /// `is_gone`, they are reset.
    #[inline(never)]
    pub(crate) fn ignore(&mut self, listener: Listener, is_gone: bool) {
        let place = self.listeners.iter().position(|held| held.listener == listener);
        let Some(held) = place.and_then(|place| self.listeners.get_mut(place)) else { return };
        (held.is_enabled, held.is_gone) = (false, is_gone);
        self.state.unsorted = true;
        if is_gone {
            for slot in self.slots.iter_mut().filter(|slot| slot.listens_for(place)) {
                slot.abort(self.state.env.now);
            }
            // Sockets that owe a reset are watched until the reset is sent.
            self.state.unwatched = u32::MAX;
        }
    }

    /// Hands connections over to the base, the oldest first, while the base has room. The other connections wait;
    /// none is dropped.
    #[inline(never)]
    pub(crate) fn hand_over<A>(&mut self, base: &mut EventBase<'_, A>) {
        while self.state.crowded {
            self.state.crowded = false;
            let (mut oldest, mut longest) = (None, 0);
            for (index, slot) in self.slots.iter().enumerate() {
                let Role::Waiting(place) = slot.role else { continue };
                self.state.crowded = true;
                let age = slot.age(self.state.env.now);
                if (age > longest || oldest.is_none())
                    && let Some(held) = self.listeners.get(usize::from(place))
                    && held.is_enabled
                    && base.has_room(held.listener)
                {
                    (oldest, longest) = (Some((index, held.listener)), age);
                }
            }
            let Some((index, listener)) = oldest else { return };
            let Some(slot) = self.slots.get_mut(index) else { return };
            self.state.unwatched |= ready::mask(index);
            let peer = slot.socket.peer();
            match peer.and_then(|peer| base.accepted(listener, peer).ok()) {
                Some(conn) => {
                    base.local_is(conn, || slot.socket.local());
                    slot.open(conn, self.state.env.now);
                }
                None => {
                    slot.abort(self.state.env.now);
                    self.state.unsorted = true;
                }
            }
        }
    }

    /// Makes free sockets listen, always for the listener with the fewest sockets. If no socket is free, takes a
    /// socket from a listener that has at least two more listening sockets. For a listener without a listening
    /// socket, takes a socket that only waits for its peer's end of stream. If this socket has a connection of the
    /// base, returns the connection; call this function again when the base knows that the connection has failed.
    /// Returns `None` when no more sockets can listen.
    pub(crate) fn fill<A>(&mut self, base: &EventBase<'_, A>) -> Option<Conn> {
        loop {
            let place = self.furthest_below_backlog(base)?;
            let index = self.next_to_listen(place);
            let held = self.listeners.get_mut(place)?;
            let Some(index) = index else {
                held.first = NONE;
                continue;
            };
            held.vacant = held.vacant.wrapping_add(1);
            let (endpoint, pool) = (held.endpoint, held.pool);
            let ousted = self.take(index);
            let slot = self.slots.get_mut(index)?;
            slot.pool = pool;
            slot.serve(Role::Listening(place as Place), 0);
            let listens = slot.socket.listen(endpoint);
            debug_assert!(listens, "a free socket can listen");
            if ousted.is_some() {
                return ousted;
            }
        }
    }

    /// Returns the index of a socket that can listen for the listener; `None` if there is no such socket now.
    fn next_to_listen(&mut self, place: usize) -> Option<usize> {
        let held = self.listeners.get(place)?;
        let index = self.candidate(held.first, held.vacant.saturating_add(2))?;
        let slot = self.slots.get(index)?;
        if matches!(slot.role, Role::Open(_) | Role::Ending) {
            let age = slot.age(self.state.env.now);
            if age < GRACE {
                self.state.ring_in(GRACE.wrapping_sub(age));
                return None;
            }
        }
        Some(index)
    }

    /// Returns the index of the listener that has the fewest sockets, among the listeners that are below their
    /// backlog and for which a socket may be available. Returns `None` if there is no such listener.
    fn furthest_below_backlog<A>(&self, base: &EventBase<'_, A>) -> Option<usize> {
        let mut furthest_below_backlog = None;
        let mut fewest = self.state.backlog;
        for (place, held) in self.listeners.iter().enumerate() {
            if held.vacant < fewest && held.first != NONE && self.may_take(held.pool, base) {
                (furthest_below_backlog, fewest) = (Some(place), held.vacant);
            }
        }
        furthest_below_backlog
    }

    /// Returns whether one more socket may listen for a listener of the pool. The free and used sockets must still be
    /// enough for all connections of every other pool. When no socket is free, a listening socket may move to another
    /// listener, within a pool or from a pool that uses more sockets than it has connections.
    fn may_take<A>(&self, taker: u8, base: &EventBase<'_, A>) -> bool {
        let sizes = base.pool_sizes();
        // A single pool can have all sockets.
        if sizes.size_hint().1 == Some(1) {
            return true;
        }
        let (mut needed, mut can_change) = (0_usize, false);
        for (pool, size) in sizes.enumerate() {
            let pool = pool as u8;
            let used = self.slots.iter().filter(|slot| slot.is_for(pool)).count();
            let takes = taker == pool;
            needed = needed.wrapping_add(used.wrapping_add(takes.into()).max(size));
            can_change |= takes && used > 0 || used > size;
        }
        let is_free = |slot: &Slot<'_>| matches!(slot.role, Role::Free | Role::Resting);
        needed <= self.slots.len() || can_change && !self.slots.iter().any(is_free)
    }

    /// Examines a socket that listens or is in a handshake, and feeds its changes to the base.
    pub(crate) fn look_at_listening<A>(
        &mut self,
        index: usize,
        place: Place,
        base: &mut EventBase<'_, A>,
    ) {
        let now = self.state.env.now;
        let (before, after_it) = self.slots.split_at_mut(index.saturating_add(1));
        let Some(slot) = before.last_mut() else { return };
        let is_new = matches!(slot.role, Role::Listening(_));
        let phase = slot.socket.phase();
        match phase {
            Phase::Listening => return slot.serve(Role::Listening(place), 0),
            Phase::Handshake if !is_new => return,
            Phase::Closed | Phase::Done => return slot.abort(now),
            Phase::Handshake => slot.serve(Role::Handshake(place), now),
            Phase::Open | Phase::Finishing | Phase::Finished => {
                slot.serve(Role::Waiting(place), now);
                self.state.crowded = true;
            }
        }
        // Another connection with the same addresses and ports: the stack gives every segment to the first of the
        // two sockets.
        let twin = after_it.iter_mut().find(|other| {
            !matches!(other.role, Role::Free | Role::Resting | Role::Listening(_))
                && !matches!(other.socket.phase(), Phase::Closed | Phase::Done)
                && slot.socket.is_twin(&other.socket)
        });
        let Some(twin) = twin else { return };
        if phase != Phase::Handshake {
            // The client has restarted, and its former connection is dead.
            let conn = twin.conn();
            twin.forget();
            if let Some(conn) = conn {
                base.failed(conn, ConnError::Reset);
            }
        } else if twin.age(now) < REPEATS[1] {
            slot.forget();
        }
    }

    /// Counts a listening socket for its listener, or stops it if it must not listen now.
    pub(crate) fn sort_listening(&mut self, index: usize, place: Place) {
        let Some(held) = self.listeners.get_mut(usize::from(place)) else { return };
        if usize::from(held.first) <= index {
            held.vacant = held.vacant.wrapping_add(1);
        } else if let Some(slot) = self.slots.get_mut(index) {
            slot.socket.close();
            slot.serve(Role::Free, 0);
        }
    }

    /// Prevents the sockets before this handshake from listening while its SYN may be retransmitted. Returns the time
    /// until the age of the handshake reaches the next limit in [`REPEATS`]; `None` after the last limit.
    pub(crate) fn sort_handshake(&mut self, index: usize, place: Place, age: u32) -> Option<u32> {
        let [early, late] = REPEATS;
        if age < early {
            return Some(early.wrapping_sub(age));
        }
        if age >= late {
            return None;
        }
        if let Some(held) = self.listeners.get_mut(usize::from(place)) {
            held.first = held.first.max(index as u16);
        }
        Some(late.wrapping_sub(age))
    }
}
