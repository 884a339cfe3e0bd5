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
use crate::socket::Phase;

/// A listener that is enabled.
#[derive(Clone, Copy)]
pub(crate) struct Listening {
    pub(crate) listener: Listener,
    endpoint: IpListenEndpoint,
    /// Its sockets that nobody had called when they were looked at last.
    pub(crate) vacant: usize,
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
        for held in self.listeners.iter() {
            if held.listener == listener {
                return Ok(());
            }
            if address::overlap(held.endpoint, endpoint) {
                return Err(ListenError::InUse);
            }
        }
        let pushed = self.listeners.push(Listening { listener, endpoint, vacant: 0 });
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
            let listeners = &*self.listeners;
            let enabled = |listener| listeners.iter().any(|l| l.listener == listener);
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
                    slot.serve(Role::Open(conn), self.moment.now);
                }
                Err(AcceptError::Full) => return,
                Err(AcceptError::NoListener) => slot.abort(self.moment),
            }
        }
    }

    /// Lets free sockets listen, always for the listener that has the fewest; takes one from a
    /// listener that has two more.
    pub(crate) fn fill(&mut self, cx: &mut Context<'_>) {
        let several = self.listeners.len() > 1;
        while let Some(poor) = self.listeners.iter().min_by_key(|held| held.vacant).copied() {
            if poor.vacant >= self.config.backlog {
                return;
            }
            let enough = poor.vacant.saturating_add(1);
            let spare = || if several { self.spare(enough) } else { None };
            let Some(slot) = self.free().or_else(spare).and_then(|i| self.slots.get_mut(i)) else {
                return;
            };
            let former = slot.role;
            slot.abort(self.moment);
            if !slot.socket.listen(poor.endpoint, cx) {
                debug_assert!(false, "a free socket can listen");
                return;
            }
            slot.serve(Role::Listening(poor.listener), self.moment.now);
            for held in self.listeners.iter_mut() {
                if former == Role::Listening(held.listener) {
                    held.vacant = held.vacant.saturating_sub(1);
                } else if held.listener == poor.listener {
                    held.vacant = enough;
                }
            }
        }
    }

    /// A socket that listens, of a listener that has more than `enough`.
    pub(crate) fn spare(&self, enough: usize) -> Option<usize> {
        let is_rich = |of| self.listeners.iter().any(|l| l.listener == of && l.vacant > enough);
        self.slots.iter().position(|slot| match slot.role {
            // Somebody may have called since the last look.
            Role::Listening(of) => slot.socket.phase() == Phase::Listening && is_rich(of),
            _ => false,
        })
    }
}
