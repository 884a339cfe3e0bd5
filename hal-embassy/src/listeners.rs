//! Listeners, made of sockets that listen.
//!
//! The stack has no listener: each socket that listens takes one client, and a client who finds
//! none is refused with a reset. So all sockets that nothing else needs listen, up to the backlog
//! of each listener, and those taken by a client are replaced in the turn that sees it.
//!
//! The stack gives a segment to the first of its sockets that accepts it, and a listening socket
//! accepts every SYN. So a SYN that a client repeats, since our answer to the first one was lost,
//! would reach a listening socket that stands before the one in handshake; the client would get two
//! answers, and the one it does not take would reset it. Two rules prevent that:
//!
//! * While a handshake is as old as the SYN may be repeated ([`REPEATS`]), no socket before it
//!   listens for its listener.
//! * A handshake that begins with a client whose connection another socket has, and had signs of
//!   life from, is forgotten: its SYN came twice, or late. If the client completes it, it has
//!   restarted with the same port, and it is the other connection that is dead.

use core::net::SocketAddr;
use core::task::Context;
use core::time::Duration;

use embassy_net::IpListenEndpoint;
use picoevent::{AcceptError, ConnError, EventBase, Instant, ListenError, Listener, Tuning};

use crate::address;
use crate::log;
use crate::pool::Pool;
use crate::slot::{Ends, Role, Slot};
use crate::socket::Phase;
use crate::time::after;

/// From what age of a handshake on, and up to what age, its SYN is expected again: the first time
/// after 1 s (RFC 6298), the second time 2 s later. Should that be lost too, nobody is kept from
/// listening for it any longer.
const REPEATS: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(4)];

/// How long at least a peer that has everything may take to end, though nothing listens meanwhile:
/// a round trip, and time to read.
const GRACE: Duration = Duration::from_millis(250);

/// A listener that is enabled.
#[derive(Clone, Copy)]
pub(crate) struct Listening {
    pub(crate) listener: Listener,
    endpoint: IpListenEndpoint,
    /// Its sockets that nobody had called when they were looked at last.
    pub(crate) vacant: usize,
    /// The first socket that may listen for it now.
    first: usize,
}

impl Listening {
    /// Forgets what the last look found.
    pub(crate) fn recount(&mut self) {
        (self.vacant, self.first) = (0, 0);
    }
}

impl<'n> Pool<'_, 'n> {
    /// Begins to listen, with the next [`Pool::fill`].
    ///
    /// # Errors
    /// Why that is not possible. There can be as many listeners as sockets.
    pub(crate) fn listen(
        &mut self,
        listener: Listener,
        address: SocketAddr,
    ) -> Result<(), ListenError> {
        let endpoint = address::listen_endpoint(address).ok_or(ListenError::Invalid)?;
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
        log::listening(endpoint.port);
        Ok(())
    }

    /// Listens no more. Who has called already waits until the listener is enabled again.
    pub(crate) fn ignore(&mut self, listener: Listener) {
        if let Some(place) = self.listeners.iter().position(|held| held.listener == listener) {
            self.listeners.swap_remove(place);
        }
    }

    /// Listens no more, and resets who has called and was not accepted.
    pub(crate) fn unlisten(&mut self, listener: Listener) {
        self.ignore(listener);
        let moment = self.moment;
        for slot in self.slots.iter_mut() {
            if matches!(slot.role, Role::Listening(of) | Role::Waiting(of) if of == listener) {
                slot.abort(moment);
            }
        }
    }

    /// Hands connections over to the base, the oldest first, while it has room for them. Those it
    /// has no room for wait; none is dropped.
    pub(crate) fn hand_over<A>(&mut self, base: &mut EventBase<'_, A>) {
        while base.has_room() {
            let is_enabled = |of| self.listeners.iter().any(|held| held.listener == of);
            let waiting = self.oldest(&|_, slot| match slot.role {
                Role::Waiting(listener) => is_enabled(listener),
                _ => false,
            });
            let Some(slot) = waiting.and_then(|index| self.slots.get_mut(index)) else { return };
            let Role::Waiting(listener) = slot.role else { return };
            let accepted = match slot.socket.peer() {
                Some(peer) => base.accepted(listener, peer),
                None => Err(AcceptError::NoListener),
            };
            match accepted {
                Ok(conn) => {
                    slot.ends = Ends::default();
                    slot.serve(Role::Open(conn), self.moment.now);
                }
                Err(AcceptError::Full) => return,
                Err(AcceptError::NoListener) => slot.abort(self.moment),
            }
        }
    }

    /// Lets free sockets listen, always for the listener that has the fewest; takes one from a
    /// listener that has two more, or one whose peer only has to end for a listener that has none.
    pub(crate) fn fill(&mut self, cx: &mut Context<'_>) {
        while let Some((index, place)) = self.next_to_listen() {
            let (Some(slot), Some(held)) =
                (self.slots.get_mut(index), self.listeners.get_mut(place))
            else {
                return;
            };
            let former = slot.role;
            slot.abort(self.moment);
            slot.socket.tune(Tuning::DEFAULT);
            if !slot.socket.listen(held.endpoint, cx) {
                debug_assert!(false, "a free socket can listen");
                return;
            }
            slot.serve(Role::Listening(held.listener), Instant::MAX);
            held.vacant = held.vacant.saturating_add(1);
            for held in self.listeners.iter_mut() {
                if former == Role::Listening(held.listener) {
                    held.vacant = held.vacant.saturating_sub(1);
                }
            }
        }
    }

    /// A socket that can listen, and the place of the listener it is for.
    fn next_to_listen(&mut self) -> Option<(usize, usize)> {
        let wanted = |index| self.poorest(index).is_some();
        if let Some(index) = self.oldest(&|i, slot| slot.role == Role::Free && wanted(i)) {
            return Some((index, self.poorest(index)?));
        }
        let place = self.poorest(usize::MAX)?;
        let Listening { vacant, first, .. } = *self.listeners.get(place)?;
        if let Some(index) = self.spare(vacant.saturating_add(1), first) {
            return Some((index, place));
        }
        let index = if vacant == 0 { self.finished(first)? } else { return None };
        let ripe = after(self.slots.get(index)?.time, GRACE);
        if ripe <= self.moment.now {
            return Some((index, place));
        }
        self.alarm = self.alarm.min(ripe);
        None
    }

    /// The place of the listener with the fewest sockets, of those that the socket may listen for
    /// and that want one more.
    fn poorest(&self, index: usize) -> Option<usize> {
        let backlog = self.config.backlog;
        let listeners = self.listeners.iter().enumerate();
        let wanting = listeners.filter(|(_, held)| held.first <= index && held.vacant < backlog);
        wanting.min_by_key(|(_, held)| held.vacant).map(|(place, _)| place)
    }

    /// A socket that listens, of those from `first` on, of a listener that has more than `enough`.
    pub(crate) fn spare(&self, enough: usize, first: usize) -> Option<usize> {
        let is_rich = |of| self.listeners.iter().any(|l| l.listener == of && l.vacant > enough);
        self.oldest(&|index, slot| match slot.role {
            // Somebody may have called since the last look.
            Role::Listening(of) => {
                first <= index && is_rich(of) && slot.socket.phase() == Phase::Listening
            }
            _ => false,
        })
    }

    /// Looks what has become of a socket that listens or shakes hands.
    pub(crate) fn look_at_listening<A>(
        &mut self,
        index: usize,
        listener: Listener,
        base: &mut EventBase<'_, A>,
    ) {
        let moment = self.moment;
        let now = moment.now;
        let held = self.listeners.iter_mut().find(|held| held.listener == listener);
        let Some(slot) = self.slots.get_mut(index) else { return };
        match slot.socket.phase() {
            Phase::Listening => {
                slot.time = Instant::MAX;
                match held {
                    Some(held) if held.first <= index => {
                        held.vacant = held.vacant.saturating_add(1);
                    }
                    _ => slot.abort(moment),
                }
            }
            Phase::Handshake => {
                if slot.time == Instant::MAX {
                    slot.time = now;
                }
                let since = slot.time;
                let [early, late] = REPEATS.map(|delay| after(since, delay));
                if now < early {
                    self.alarm = self.alarm.min(early);
                } else if now < late {
                    self.alarm = self.alarm.min(late);
                    if let Some(held) = held {
                        held.first = held.first.max(index);
                    }
                }
                let is_young = |twin: &mut Slot<'_>| now < after(twin.time, REPEATS[1]);
                if since == now
                    && self.twin(index).is_some_and(is_young)
                    && let Some(slot) = self.slots.get_mut(index)
                {
                    slot.forget();
                }
            }
            Phase::Closed | Phase::Done => slot.abort(moment),
            Phase::Open | Phase::Finishing | Phase::Finished => {
                slot.serve(Role::Waiting(listener), now);
                if let Some(twin) = self.twin(index) {
                    // The client has begun anew: what it had before is gone.
                    let conn = twin.conn();
                    twin.forget();
                    conn.into_iter().for_each(|conn| base.failed(conn, ConnError::Reset));
                }
            }
        }
    }

    /// The slot of another connection with the same addresses and ports. The stack gives everything
    /// that comes for both to the first.
    fn twin(&mut self, index: usize) -> Option<&mut Slot<'n>> {
        let endpoints = self.slots.get(index)?.socket.endpoints();
        self.slots.iter_mut().skip(index.saturating_add(1)).find(|slot| {
            let over = matches!(slot.socket.phase(), Phase::Closed | Phase::Done);
            !over && slot.socket.endpoints() == endpoints
        })
    }
}
