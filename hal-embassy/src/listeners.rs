//! Listeners, made of sockets that listen.
//!
//! The stack has no listener: each socket that listens takes one client, and a client that finds no listening socket is
//! refused with a reset. So all unused sockets listen, up to the backlog of each listener. When a client takes a
//! socket, the next iteration of the loop makes another socket listen.
//!
//! The stack gives a segment to the first of its sockets that accepts it, and a listening socket accepts every SYN. If
//! our answer to a SYN is lost, the client retransmits the SYN. If a listening socket comes before the socket in
//! handshake, the repeated SYN would reach the listening socket. The client would get two answers, and would reset the
//! socket whose answer it does not accept. Two rules prevent such a double answer:
//!
//! * While the SYN of a handshake may be retransmitted ([`SYN_RETRANSMISSIONS`]), no socket before the socket in
//!   handshake listens for the same listener.
//! * When a handshake begins on a socket, the adapter searches the sockets after this socket for a connection with the
//!   same client address and port. If that connection began or moved bytes in the last 4 s, the new SYN is a duplicate,
//!   and the new handshake is dropped. If nothing has happened on that connection for longer, the new handshake
//!   continues. If the client completes the new handshake, the client has restarted and uses the same port again. The
//!   old connection is then dead, and fails.

use core::net::SocketAddr;

use embassy_net::IpListenEndpoint;
use picoevent::{Conn, ConnError, EventBase, ListenError, Listener};

use crate::address;
use crate::log;
use crate::ready;
use crate::slot::{ListenerIndex, Role, Slot};
use crate::socket::Phase;
use crate::socket_table::SocketTable;
use crate::time::millis;

/// A client may retransmit its SYN while the age of its handshake is between these two limits. The first retransmission
/// comes after 1 s (RFC 6298), the second 2 s later. After the second limit, other sockets may listen again, even if
/// the second retransmission was lost.
const SYN_RETRANSMISSIONS: [u32; 2] = [millis(500), millis(4_000)];

/// When a peer has acknowledged everything, its socket is not used for another client for at least this time, even if
/// no other socket listens. The time is enough for the peer to read the data and to end its stream.
const MIN_FIN_WAIT: u32 = millis(250);

/// A listener. A disabled listener keeps its index in the list of listeners, because the slots of clients that wait to
/// be accepted contain this index.
#[derive(Clone, Copy)]
pub(crate) struct Listening {
    listener: Listener,
    endpoint: IpListenEndpoint,
    /// The index of the base's pool for the listener's connections.
    pool: u8,
    /// The number of sockets that listen for the listener and had no client when the loop examined them last.
    pub(crate) vacant: u16,
    /// The index of the first socket that may listen for the listener now; [`NO_INDEX`] if no socket may.
    first: u16,
    is_enabled: bool,
    /// Whether the listener was removed, so that another listener can use its entry.
    is_removed: bool,
}

/// The value of [`Listening::first`] if no socket may listen. It is greater than the index of every socket.
const NO_INDEX: u16 = u16::MAX;

impl Listening {
    /// Resets `vacant` and `first`, before the roles are reviewed.
    pub(crate) fn reset_counts(&mut self) {
        (self.vacant, self.first) = (0, if self.is_enabled { 0 } else { NO_INDEX });
    }
}

impl<'n> SocketTable<'_, 'n> {
    /// Adds a listener, or enables it again. Its sockets begin to listen with the next [`SocketTable::fill_backlogs`].
    #[inline(never)]
    pub(crate) fn listen<A>(&mut self, listener: Listener, base: &mut EventBase<'_, A>) {
        let Some(address) = base.address_of(listener) else { return };
        // A single pool works with any number of sockets. Several pools would take sockets from each other if there
        // were fewer sockets than connections.
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
        let mut listener_index = usize::MAX;
        for (index, entry) in self.listeners.iter().enumerate() {
            if entry.listener == listener || entry.is_removed && listener_index == usize::MAX {
                listener_index = index;
            } else if entry.is_enabled && address::overlap(entry.endpoint, endpoint) {
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
            is_removed: false,
        };
        match self.listeners.get_mut(listener_index) {
            Some(entry) => *entry = new,
            None => self.listeners.push(new).map_err(|_| ListenError::NoSocket)?,
        }
        self.state.roles_changed = true;
        log::listening(endpoint.port);
        Ok(())
    }

    /// Stops listening. A client that has connected and is not accepted yet waits until the listener is enabled again.
    /// If the listener `is_removed`, the client is reset.
    #[inline(never)]
    pub(crate) fn stop_listening(&mut self, listener: Listener, is_removed: bool) {
        let listener_index = self.listeners.iter().position(|entry| entry.listener == listener);
        let Some(entry) =
            listener_index.and_then(|listener_index| self.listeners.get_mut(listener_index))
        else {
            return;
        };
        (entry.is_enabled, entry.is_removed) = (false, is_removed);
        self.state.roles_changed = true;
        if is_removed {
            for slot in self.slots.iter_mut().filter(|slot| slot.listens_for(listener_index)) {
                slot.abort(self.state.env.now);
            }
            // Set the wakers of all sockets: the task must wake when the stack has sent the resets.
            self.state.unwatched = u32::MAX;
        }
    }

    /// Hands connections over to the base, the oldest first, while the base has room. The other connections wait in
    /// their sockets.
    #[inline(never)]
    pub(crate) fn hand_over<A>(&mut self, base: &mut EventBase<'_, A>) {
        while self.state.may_have_waiting {
            self.state.may_have_waiting = false;
            let (mut oldest, mut longest) = (None, 0);
            for (index, slot) in self.slots.iter().enumerate() {
                let Role::Waiting(listener_index) = slot.role else { continue };
                self.state.may_have_waiting = true;
                let age = slot.age(self.state.env.now);
                if (age > longest || oldest.is_none())
                    && let Some(entry) = self.listeners.get(usize::from(listener_index))
                    && entry.is_enabled
                    && base.has_room(entry.listener)
                {
                    (oldest, longest) = (Some((index, entry.listener)), age);
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
                    self.state.roles_changed = true;
                }
            }
        }
    }

    /// Makes sockets listen, one after another, each for the listener that has the fewest listening sockets at that
    /// moment. Takes a free socket if there is one. If no socket is free, takes a listening socket from another
    /// listener that has at least two listening sockets more than this listener. If there is no such other listener,
    /// and this listener has no listening socket, takes a socket that only waits for its peer's end of stream.
    ///
    /// If the socket has a connection of the base, returns the connection. The caller reports to the base that the
    /// connection has failed, and calls this function again. Returns `None` when no more sockets can listen.
    pub(crate) fn fill_backlogs<A>(&mut self, base: &EventBase<'_, A>) -> Option<Conn> {
        loop {
            let (listener_index, givers) = self.furthest_below_backlog(base)?;
            let index = self.next_to_listen(listener_index, givers);
            let entry = self.listeners.get_mut(listener_index)?;
            let Some(index) = index else {
                entry.first = NO_INDEX;
                continue;
            };
            entry.vacant = entry.vacant.wrapping_add(1);
            let (endpoint, pool) = (entry.endpoint, entry.pool);
            let evicted = self.evict(index);
            let slot = self.slots.get_mut(index)?;
            slot.pool = pool;
            slot.set_role(Role::Listening(listener_index as ListenerIndex), 0);
            let listens = slot.socket.listen(endpoint);
            debug_assert!(listens, "a free socket can listen");
            if evicted.is_some() {
                return evicted;
            }
        }
    }

    /// Returns the index of a socket that can listen for the listener; `None` if there is no such socket now.
    fn next_to_listen(&mut self, listener_index: usize, givers: u16) -> Option<usize> {
        let entry = self.listeners.get(listener_index)?;
        let index = self.candidate(entry.first, entry.vacant.saturating_add(2), givers)?;
        let slot = self.slots.get(index)?;
        if matches!(slot.role, Role::Open(_) | Role::Ending) {
            let age = slot.age(self.state.env.now);
            if age < MIN_FIN_WAIT {
                self.state.set_alarm_within(MIN_FIN_WAIT.wrapping_sub(age));
                return None;
            }
        }
        Some(index)
    }

    /// Returns the index of the listener with the fewest listening sockets, and the [givers](Self::givers) for its pool.
    /// Ignores listeners that have reached their backlog, and listeners for which no socket is available. Returns `None`
    /// if no listener is left.
    fn furthest_below_backlog<A>(&self, base: &EventBase<'_, A>) -> Option<(usize, u16)> {
        let mut furthest_below_backlog = None;
        let mut fewest = self.state.backlog;
        for (listener_index, entry) in self.listeners.iter().enumerate() {
            if entry.vacant < fewest
                && entry.first != NO_INDEX
                && let Some(givers) = self.givers(entry.pool, base)
            {
                (furthest_below_backlog, fewest) = (Some((listener_index, givers)), entry.vacant);
            }
        }
        furthest_below_backlog
    }

    /// Returns the pools from which a socket may move to a listener of the pool `taker`, one bit for each pool: the same
    /// pool, and the pools that use more sockets than they can have connections. Returns `None` if no socket may listen
    /// for `taker`. One may if one of two conditions is true:
    ///
    /// * With one more socket for `taker`, there are still enough sockets for all connections of every other pool.
    /// * No socket is free, and a listening socket can move.
    fn givers<A>(&self, taker: u8, base: &EventBase<'_, A>) -> Option<u16> {
        let sizes = base.pool_sizes();
        // A single pool can have all sockets.
        if sizes.size_hint().1 == Some(1) {
            return Some(u16::MAX);
        }
        let (mut needed, mut givers) = (0_usize, 0_u16);
        for (pool, size) in sizes.enumerate() {
            let pool = pool as u8;
            let used = self.slots.iter().filter(|slot| slot.is_for(pool)).count();
            let is_taker = taker == pool;
            needed = needed.wrapping_add(used.wrapping_add(is_taker.into()).max(size));
            let gives = is_taker && used > 0 || used > size;
            givers |= u16::from(gives).wrapping_shl(pool.into());
        }
        let is_free = |slot: &Slot<'_>| matches!(slot.role, Role::Free | Role::Resting);
        let may_take = needed <= self.slots.len() || givers != 0 && !self.slots.iter().any(is_free);
        may_take.then_some(givers)
    }

    /// Examines a socket that listens or is in a handshake, and feeds its changes to the base.
    pub(crate) fn check_listening<A>(
        &mut self,
        index: usize,
        listener_index: ListenerIndex,
        base: &mut EventBase<'_, A>,
    ) {
        let now = self.state.env.now;
        let (before, after_it) = self.slots.split_at_mut(index.saturating_add(1));
        let Some(slot) = before.last_mut() else { return };
        let is_new = matches!(slot.role, Role::Listening(_));
        let phase = slot.socket.phase();
        match phase {
            Phase::Listening => return slot.set_role(Role::Listening(listener_index), 0),
            Phase::Handshake if !is_new => return,
            Phase::Closed | Phase::Done => return slot.abort(now),
            Phase::Handshake => slot.set_role(Role::Handshake(listener_index), now),
            Phase::Open | Phase::Finishing | Phase::Finished => {
                slot.set_role(Role::Waiting(listener_index), now);
                self.state.may_have_waiting = true;
            }
        }
        // Look for another connection with the same addresses and ports. The stack gives every segment of the client to
        // the first of the two sockets.
        let duplicate = after_it.iter_mut().find(|other| {
            !matches!(other.role, Role::Free | Role::Resting | Role::Listening(_))
                && !matches!(other.socket.phase(), Phase::Closed | Phase::Done)
                && slot.socket.has_same_endpoints(&other.socket)
        });
        let Some(duplicate) = duplicate else { return };
        if phase != Phase::Handshake {
            // The client has restarted, and its former connection is dead.
            let conn = duplicate.conn();
            duplicate.drop_without_reset();
            if let Some(conn) = conn {
                base.failed(conn, ConnError::Reset);
            }
        } else if duplicate.age(now) < SYN_RETRANSMISSIONS[1] {
            slot.drop_without_reset();
        }
    }

    /// Counts a listening socket for its listener, or stops it if it must not listen now.
    pub(crate) fn review_listening(&mut self, index: usize, listener_index: ListenerIndex) {
        let Some(entry) = self.listeners.get_mut(usize::from(listener_index)) else { return };
        if usize::from(entry.first) <= index {
            entry.vacant = entry.vacant.wrapping_add(1);
        } else if let Some(slot) = self.slots.get_mut(index) {
            slot.socket.close();
            slot.set_role(Role::Free, 0);
        }
    }

    /// Prevents the sockets with a lower index from listening for the listener while the client of this handshake may
    /// retransmit its SYN. Returns the time until the age of the handshake reaches the next limit in
    /// [`SYN_RETRANSMISSIONS`]; `None` after the last limit.
    pub(crate) fn review_handshake(
        &mut self,
        index: usize,
        listener_index: ListenerIndex,
        age: u32,
    ) -> Option<u32> {
        let [begin, end] = SYN_RETRANSMISSIONS;
        if age < begin {
            return Some(begin.wrapping_sub(age));
        }
        if age >= end {
            return None;
        }
        if let Some(entry) = self.listeners.get_mut(usize::from(listener_index)) {
            entry.first = entry.first.max(index as u16);
        }
        Some(end.wrapping_sub(age))
    }
}
