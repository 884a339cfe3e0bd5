//! The application's verbs for the network, and the back end's feed.

use super::{Network, NetworkChange};
use crate::error::FullError;
use crate::event::{EventMut, OnEvent, Waiting};
use crate::handle::Event;
use crate::queue::Id;
use crate::watcher::When;
use crate::{Cx, EventBase};

/// The network state of a base.
pub(crate) struct NetworkState {
    /// The state that the back end last fed.
    now: Network,
    /// The events for its changes, in the order they were added.
    events: Waiting,
}

impl NetworkState {
    pub(crate) const NONE: Self = Self { now: Network::new(), events: Waiting::NONE };

    pub(crate) const fn events(&mut self) -> Option<&mut Waiting> {
        Some(&mut self.events)
    }
}

impl<A> Cx<'_, A> {
    /// Calls `call` when the network changes, until the event is deleted or freed: the link goes up or down, or the
    /// addresses, gateways or name servers change. [`EventMut::network_change`] returns the changes, and
    /// [`Cx::network`] the present state. Changes that come before the callback runs are merged into one call.
    ///
    /// Before the loop runs, there is no link and no address. So an event that is made when the application starts is
    /// also called for a network that is already up. Such an event does not keep the loop alive and does not count as
    /// pending.
    ///
    /// A connect needs no such event: it waits for an address by itself.
    ///
    /// ```
    /// use picoevent::{Cx, EventMut, FullError};
    ///
    /// #[derive(Default)]
    /// struct App {
    ///     is_online: bool,
    /// }
    ///
    /// impl App {
    ///     fn start(cx: &mut Cx<Self>) -> Result<(), FullError> {
    ///         cx.on_network(Self::network_changed)?;
    ///         Ok(())
    ///     }
    ///
    ///     fn network_changed(&mut self, event: &mut EventMut<Self>) {
    ///         let network = event.network();
    ///         self.is_online = network.is_link_up() && network.has_ipv4();
    ///     }
    /// }
    /// # let _ = App::start;
    /// ```
    ///
    /// # Errors
    /// [`FullError::Events`] when the table has no free slot.
    pub fn on_network(&mut self, call: OnEvent<A>) -> Result<Event, FullError> {
        self.hooks.watcher_register =
            Some(|cx, event, watches| cx.watcher_register(event, watches));
        self.make_watcher(When::Network, call)
    }

    /// Returns the network state that the back end last fed.
    pub const fn network(&self) -> &Network {
        &self.network.now
    }
}

impl<A> EventMut<'_, '_, A> {
    /// Returns the changes, in the callback of an event for the network; otherwise an empty set.
    pub const fn network_change(&self) -> NetworkChange {
        NetworkChange::of(self.what())
    }
}

impl<A> EventBase<'_, A> {
    /// Feeds the present state of the network. If the state has changed, the events for the network become due. A
    /// back end calls it in its first turn and after each change. A call without a change has no effect.
    pub fn network_is(&mut self, now: &Network) {
        self.note_network(now);
        let cx = &mut self.cx;
        let changes = cx.network.now.changes(now);
        if changes.is_empty() {
            return;
        }
        cx.network.now = *now;
        let mut at = cx.network.events.first;
        while let Some(slot) = cx.tables.events.slot(at.slot()) {
            let (id, next) = (Id::at(at.slot()), slot.waiting.next);
            cx.activate(id, changes.bits());
            at = next;
        }
    }

    #[cfg(not(feature = "record"))]
    const fn note_network(&self, _: &Network) {}
}
