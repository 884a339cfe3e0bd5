//! Listeners, made of sockets that listen.
//!
//! The stack has no listener: each socket that listens takes one client, and a client that finds
//! none is refused with a reset. So all sockets that nothing else needs listen, up to the backlog
//! of each listener. When a client takes one, the turn that sees it replaces it.
//!
//! The stack gives a segment to the first of its sockets that accepts it, and a listening socket
//! accepts every SYN. So a SYN that a client repeats, since our answer to the first one was lost,
//! would reach a listening socket that comes before the one in handshake. The client would get two
//! answers, and the one it does not take would reset it. Two rules prevent that:
//!
//! * While the age of a handshake is in the range where its SYN may be repeated ([`REPEATS`]), no
//!   socket before it listens for its listener.
//! * A handshake is forgotten when another socket has a connection with the same client, and had
//!   signs of life from it: the SYN came twice, or late. If the client completes it, the client has
//!   restarted with the same port, and the other connection is dead.

use core::net::SocketAddr;

use embassy_net::IpListenEndpoint;
use picoevent::{AcceptError, ConnError, EventBase, Instant, ListenError, Listener, Tuning};

use crate::address;
use crate::log;
use crate::pool::{Pool, Wanted};
use crate::ready;
use crate::slot::{Ends, Role, Slot};
use crate::socket::Phase;
use crate::time::after;

/// The ages of a handshake between which its SYN is expected again: the first time after 1 s
/// (RFC 6298), the second time 2 s later. If that is lost too, other sockets may listen again. In
/// microseconds.
const REPEATS: [u64; 2] = [500_000, 4_000_000];

/// The shortest time that a peer that has everything gets to end its stream, even while nothing
/// listens: a round trip, and time to read. In microseconds.
const GRACE: u64 = 250_000;

/// A listener that is enabled.
#[derive(Clone, Copy)]
pub(crate) struct Listening {
    pub(crate) listener: Listener,
    endpoint: IpListenEndpoint,
    /// Its sockets without a client at the last look.
    pub(crate) vacant: usize,
    /// The first socket that may listen for it now; `usize::MAX` if none can be found.
    first: usize,
}

impl Listening {
    /// Clears what the last look found.
    pub(crate) fn recount(&mut self) {
        (self.vacant, self.first) = (0, 0);
    }
}

impl<'n> Pool<'_, 'n> {
    /// Adds a listener. Its sockets begin to listen with the next [`Pool::fill`].
    ///
    /// # Errors
    /// The reason why that is not possible. There can be as many listeners as sockets, and several pools
    /// can have as many connections together.
    pub(crate) fn listen<A>(
        &mut self,
        listener: Listener,
        address: SocketAddr,
        base: &EventBase<'_, A>,
    ) -> Result<(), ListenError> {
        let endpoint = address::listen_endpoint(address).ok_or(ListenError::Invalid)?;
        // A single pool does with what there is; several would take sockets from each other.
        let needed = base.pool_sizes().fold(0, usize::saturating_add);
        if needed > self.slots.len() && base.pool_sizes().count() > 1 {
            return Err(ListenError::NoSocket);
        }
        for held in self.listeners.iter() {
            if held.listener == listener {
                return Ok(());
            }
            if address::overlap(held.endpoint, endpoint) {
                return Err(ListenError::InUse);
            }
        }
        let pushed = self.listeners.push(Listening { listener, endpoint, vacant: 0, first: 0 });
        pushed.map_err(|_| ListenError::NoSocket)?;
        self.state.unsorted = true;
        log::listening(endpoint.port);
        Ok(())
    }

    /// Stops listening. Clients that have connected already wait until the listener is enabled again.
    #[inline(never)]
    pub(crate) fn ignore(&mut self, listener: Listener) {
        let place = self.place(listener);
        if place < self.listeners.len() {
            self.listeners.swap_remove(place);
            self.state.unsorted = true;
        }
    }

    /// Stops listening, and resets the clients that have connected and were not accepted.
    pub(crate) fn unlisten(&mut self, listener: Listener) {
        self.ignore(listener);
        for slot in self.slots.iter_mut() {
            if matches!(slot.role, Role::Listening(of) | Role::Waiting(of) if of == listener) {
                slot.abort(self.state.env.now);
            }
        }
        // Sockets that owe a reset are watched until it is sent.
        (self.state.unwatched, self.state.unsorted) = (u32::MAX, true);
    }

    /// Returns whether the listener is enabled and at least `least` of its sockets listen.
    pub(crate) fn has_listening(&self, listener: Listener, least: usize) -> bool {
        self.listeners.get(self.place(listener)).is_some_and(|held| held.vacant >= least)
    }

    /// Hands connections over to the base, the oldest first, while it has room. The others wait; none is
    /// dropped.
    pub(crate) fn hand_over<A>(&mut self, base: &mut EventBase<'_, A>) {
        if !self.state.crowded {
            return;
        }
        while let Some((index, listener)) = self.next_client(base) {
            self.accept(index, listener, base);
        }
        let waits = |slot: &Slot<'_>| matches!(slot.role, Role::Waiting(_));
        self.state.crowded = self.slots.iter().any(waits);
    }

    /// Returns the connection that has waited longest, of those that the base has room for, and its
    /// listener.
    #[inline(never)]
    pub(crate) fn next_client<A>(&self, base: &EventBase<'_, A>) -> Option<(usize, Listener)> {
        let (mut oldest, mut earliest) = (None, Instant::MAX);
        for (index, slot) in self.slots.iter().enumerate() {
            if let Role::Waiting(of) = slot.role
                && slot.time < earliest
                && self.has_listening(of, 0)
                && base.has_room(of)
            {
                (oldest, earliest) = (Some((index, of)), slot.time);
            }
        }
        oldest
    }

    /// Hands a connection over to the base, which has room for it.
    fn accept<A>(&mut self, index: usize, listener: Listener, base: &mut EventBase<'_, A>) {
        let now = self.state.env.now;
        let Some(slot) = self.slots.get_mut(index) else { return };
        let accepted = match slot.socket.peer() {
            Some(peer) => base.accepted(listener, peer),
            None => Err(AcceptError::NoListener),
        };
        match accepted {
            Ok(conn) => {
                slot.ends = Ends::default();
                slot.serve(Role::Open(conn), now);
            }
            Err(_) => {
                slot.abort(now);
                self.state.unsorted = true;
            }
        }
        self.state.unwatched |= ready::mask(index);
    }

    /// Lets free sockets listen, always for the listener with the fewest. Without a free one, takes
    /// one from a listener that has two more, or, for a listener that has none, one that only waits
    /// for its peer's end of stream.
    pub(crate) fn fill<A>(&mut self, base: &mut EventBase<'_, A>) {
        while let Some(place) = self.furthest_below_backlog(base) {
            let index = self.next_to_listen(place);
            let slot = index.and_then(|index| self.slots.get_mut(index));
            let Some(held) = self.listeners.get_mut(place) else { return };
            let (Some(slot), Some(index)) = (slot, index) else {
                held.first = usize::MAX;
                continue;
            };
            let former = slot.role;
            slot.abort(self.state.env.now);
            slot.socket.tune(Tuning::DEFAULT);
            if !slot.socket.listen(held.endpoint) {
                debug_assert!(false, "a free socket can listen");
                return;
            }
            slot.serve(Role::Listening(held.listener), Instant::MAX);
            self.state.unwatched |= ready::mask(index);
            held.vacant = held.vacant.saturating_add(1);
            match former {
                Role::Listening(former) => {
                    let place = self.place(former);
                    if let Some(held) = self.listeners.get_mut(place) {
                        held.vacant = held.vacant.saturating_sub(1);
                    }
                }
                Role::Open(conn) => base.failed(conn, ConnError::NoSocket),
                _ => {}
            }
        }
    }

    /// Returns a socket that can listen for the listener.
    #[inline(never)]
    fn next_to_listen(&mut self, place: usize) -> Option<usize> {
        let Listening { vacant, first, .. } = *self.listeners.get(place)?;
        let mut index = self.oldest(Wanted::Free, first);
        if index.is_none() && self.listeners.len() > 1 {
            index = self.oldest(Wanted::Spare(vacant.saturating_add(2)), first);
        }
        if index.is_none() && vacant == 0 {
            let lingering = self.oldest(Wanted::Lingering, first)?;
            let ripe = after(self.slots.get(lingering)?.time, GRACE);
            if self.state.env.now < ripe {
                self.state.alarm = self.state.alarm.min(ripe);
                return None;
            }
            index = Some(lingering);
        }
        index
    }

    /// Returns the place of the listener with the fewest sockets, of those that are below their
    /// backlog and for which a socket may be available.
    #[inline(never)]
    fn furthest_below_backlog<A>(&self, base: &EventBase<'_, A>) -> Option<usize> {
        let mut furthest_below_backlog = None;
        let mut fewest = self.state.backlog;
        for (place, held) in self.listeners.iter().enumerate() {
            if held.vacant < fewest && held.first < usize::MAX && self.may_take(held.listener, base)
            {
                (furthest_below_backlog, fewest) = (Some(place), held.vacant);
            }
        }
        furthest_below_backlog
    }

    /// Returns whether one more socket may listen for the listener: as many sockets as each other pool has
    /// connections are held free for that pool, or used by it. When none is free, one that listens may
    /// change sides, within a pool or from one that uses more than it has connections.
    fn may_take<A>(&self, listener: Listener, base: &EventBase<'_, A>) -> bool {
        let sizes = base.pool_sizes();
        // One pool can have them all.
        if sizes.size_hint().1 == Some(1) {
            return true;
        }
        let taker = base.pool_of_listener(listener);
        let (mut needed, mut can_change) = (0_usize, false);
        for (pool, size) in sizes.enumerate() {
            let used = self.slots.iter().filter(|slot| slot.pool(base) == Some(pool)).count();
            let takes = taker == Some(pool);
            needed = needed.saturating_add(used.saturating_add(takes.into()).max(size));
            can_change |= takes && used > 0 || used > size;
        }
        let is_free = |slot: &Slot<'_>| slot.role == Role::Free;
        needed <= self.slots.len() || can_change && !self.slots.iter().any(is_free)
    }

    /// Returns the place of the listener, or the place after the last if it is not enabled.
    #[inline(never)]
    fn place(&self, listener: Listener) -> usize {
        let place = self.listeners.iter().position(|held| held.listener == listener);
        place.unwrap_or(self.listeners.len())
    }

    /// Examines a socket that listens or is in a handshake, and feeds its changes to the base.
    pub(crate) fn look_at_listening<A>(
        &mut self,
        index: usize,
        listener: Listener,
        base: &mut EventBase<'_, A>,
    ) {
        let now = self.state.env.now;
        let Some(slot) = self.slots.get_mut(index) else { return };
        match slot.socket.phase() {
            Phase::Listening if slot.time < Instant::MAX => slot.serve(slot.role, Instant::MAX),
            Phase::Handshake if slot.time == Instant::MAX => {
                slot.serve(slot.role, now);
                let is_young = |twin: &mut Slot<'_>| now < after(twin.time, REPEATS[1]);
                if self.twin(index).is_some_and(is_young)
                    && let Some(slot) = self.slots.get_mut(index)
                {
                    slot.forget();
                }
            }
            Phase::Listening | Phase::Handshake => {}
            Phase::Closed | Phase::Done => slot.abort(self.state.env.now),
            Phase::Open | Phase::Finishing | Phase::Finished => {
                slot.serve(Role::Waiting(listener), now);
                self.state.crowded = true;
                if let Some(twin) = self.twin(index) {
                    // The client has restarted, and its former connection is dead.
                    let conn = twin.conn();
                    twin.forget();
                    if let Some(conn) = conn {
                        base.failed(conn, ConnError::Reset);
                    }
                }
            }
        }
    }

    /// Counts a listening socket for its listener, or stops it if it must not listen now. Prevents
    /// the sockets before a handshake from listening while its SYN may be repeated.
    pub(crate) fn sort_listening(&mut self, index: usize) {
        let Some(slot) = self.slots.get(index) else { return };
        let Role::Listening(listener) = slot.role else { return };
        let place = self.place(listener);
        let held = self.listeners.get_mut(place);
        let Some(slot) = self.slots.get_mut(index) else { return };
        if slot.is_vacant() {
            match held {
                Some(held) if held.first <= index => held.vacant = held.vacant.saturating_add(1),
                _ => slot.abort(self.state.env.now),
            }
            return;
        }
        let (early, late) = (after(slot.time, REPEATS[0]), after(slot.time, REPEATS[1]));
        let now = self.state.env.now;
        if now < early {
            self.state.alarm = self.state.alarm.min(early);
        } else if now < late {
            self.state.alarm = self.state.alarm.min(late);
            if let Some(held) = held {
                held.first = held.first.max(index);
            }
        }
    }

    /// Returns the slot of another connection with the same addresses and ports. The stack gives
    /// every segment for both to the first.
    fn twin(&mut self, index: usize) -> Option<&mut Slot<'n>> {
        let (before, after) = self.slots.split_at_mut_checked(index.saturating_add(1))?;
        let slot = before.last()?;
        after.iter_mut().find(|other| {
            !other.is_vacant()
                && !matches!(other.socket.phase(), Phase::Closed | Phase::Done)
                && slot.socket.is_twin(&other.socket)
        })
    }
}
