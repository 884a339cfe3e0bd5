//! Listeners, made of sockets that listen.
//!
//! The stack has no listener: each socket that listens takes one client, and a client who finds
//! none is refused with a reset. So all sockets that nothing else needs listen, up to the backlog
//! of each listener, and those taken by a client are replaced in the turn that sees it.

use core::net::SocketAddr;
use core::task::Context;

use embassy_net::IpListenEndpoint;
use picoevent::{AcceptError, EventBase, ListenError, Listener};

use crate::address;
use crate::log;
use crate::pool::Pool;
use crate::slot::{Ends, Role};

/// A listener that is enabled.
#[derive(Clone, Copy)]
pub(crate) struct Listening {
    pub(crate) listener: Listener,
    endpoint: IpListenEndpoint,
}

impl Pool<'_, '_> {
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
        for held in self.listeners.iter().flatten() {
            if held.listener == listener {
                return Ok(());
            }
            if address::overlap(held.endpoint, endpoint) {
                return Err(ListenError::InUse);
            }
        }
        let room = self.listeners.iter_mut().find(|held| held.is_none());
        *room.ok_or(ListenError::NoSocket)? = Some(Listening { listener, endpoint });
        log::listening(endpoint.port);
        Ok(())
    }

    /// Listens no more. Who has called already waits until the listener is enabled again.
    pub(crate) fn ignore(&mut self, listener: Listener) {
        for held in self.listeners.iter_mut() {
            if held.is_some_and(|held| held.listener == listener) {
                *held = None;
            }
        }
    }

    /// Listens no more, and resets who has called and was not accepted.
    pub(crate) fn unlisten(&mut self, listener: Listener) {
        self.ignore(listener);
        let until = self.until();
        for slot in self.slots.iter_mut() {
            if matches!(slot.role, Role::Listening(of) | Role::Waiting(of) if of == listener) {
                slot.abort(until);
            }
        }
    }

    /// Hands connections over to the base, the oldest first, while it has room for them. Those it
    /// has no room for wait; none is dropped.
    pub(crate) fn hand_over<A>(&mut self, base: &mut EventBase<'_, A>) {
        while base.has_room() {
            let listeners = &*self.listeners;
            let enabled = |listener| listeners.iter().flatten().any(|l| l.listener == listener);
            let waiting = self.slots.iter_mut().filter_map(|slot| match slot.role {
                Role::Waiting(listener) if enabled(listener) => Some((slot, listener)),
                _ => None,
            });
            let Some((slot, listener)) = waiting.min_by_key(|(slot, _)| slot.time) else { return };
            let accepted = match slot.socket.peer() {
                Some(peer) => base.accepted(listener, peer),
                None => Err(AcceptError::NoListener),
            };
            match accepted {
                Ok(conn) => {
                    slot.ends = Ends::default();
                    slot.serve(Role::Open(conn), self.now);
                }
                Err(AcceptError::Full) => return,
                Err(AcceptError::NoListener) => slot.abort(self.now.after(self.config.linger)),
            }
        }
    }

    /// Lets free sockets listen, always for the listener that has the fewest; takes one from the
    /// listener that has the most, if it has two more.
    pub(crate) fn fill(&mut self, cx: &mut Context<'_>) {
        while let Some((fewest, poor)) = self.poorest() {
            if fewest >= self.config.backlog {
                return;
            }
            let index = match (self.free(), self.richest()) {
                (Some(index), _) => index,
                (None, Some((most, index))) if most > fewest.saturating_add(1) => index,
                (None, _) => return,
            };
            let Some(slot) = self.slots.get_mut(index) else { return };
            slot.abort(self.now);
            if !slot.socket.listen(poor.endpoint, cx) {
                debug_assert!(false, "a free socket can listen");
                return;
            }
            slot.serve(Role::Listening(poor.listener), self.now);
        }
    }

    /// A socket that listens, of the listener that has the most.
    pub(crate) fn listening(&self) -> Option<usize> {
        self.richest().map(|(_, index)| index)
    }

    fn poorest(&self) -> Option<(usize, Listening)> {
        let counted =
            self.listeners.iter().flatten().map(|held| (self.count(held.listener), *held));
        counted.min_by_key(|(count, _)| *count)
    }

    fn richest(&self) -> Option<(usize, usize)> {
        let held = self.listeners.iter().flatten().map(|held| held.listener);
        let (count, listener) = held
            .map(|listener| (self.count(listener), listener))
            .max_by_key(|(count, _)| *count)?;
        let index = self.slots.iter().position(|slot| slot.listens_for(listener))?;
        Some((count, index))
    }

    /// The sockets that listen for `listener` and nobody has called yet.
    fn count(&self, listener: Listener) -> usize {
        self.slots.iter().filter(|slot| slot.listens_for(listener)).count()
    }
}
