//! The application's methods for the network, and the report of the back end.

use super::{Network, NetworkChange};
use crate::error::FullError;
use crate::event::{EventList, EventMut, OnEvent};
use crate::handle::Event;
use crate::queue::Id;
use crate::watcher::When;
use crate::{Cx, EventBase};

/// The network state of a base.
pub(crate) struct NetworkState {
    /// The state that the back end last reported.
    now: Network,
    /// The events for changes of the network, in the order in which they were added.
    events: EventList,
}

impl NetworkState {
    pub(crate) const NONE: Self = Self { now: Network::new(), events: EventList::NONE };

    pub(crate) const fn events(&mut self) -> Option<&mut EventList> {
        Some(&mut self.events)
    }
}

impl<A> Cx<'_, A> {
    /// Calls `call` when the network changes: the link goes up or down, or the addresses, gateways or name servers
    /// change. The calls stop when the event is deleted or freed. [`EventMut::network_change`] returns the changes, and
    /// [`Cx::network`] returns the current state. If several changes come before the callback runs, the callback is
    /// called once for all of them.
    ///
    /// Before the loop runs, [`Cx::network`] returns a state without a link and addresses. So an event that is made
    /// when the application starts is also called for a network that is already up. An event for the network does not
    /// prevent the end of the loop, and does not count as pending.
    ///
    /// A connect on a board needs no event for the network: if there is no link or no address yet, the back end waits
    /// for them before it connects.
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
            Some(|cx, event, registered| cx.watcher_register(event, registered));
        self.make_watcher(When::Network, call)
    }

    /// Returns the network state that the back end last reported.
    pub const fn network(&self) -> &Network {
        &self.network.now
    }
}

impl<A> EventMut<'_, '_, A> {
    /// In the callback of an event for the network, returns the changes. Elsewhere returns an empty set.
    pub const fn network_change(&self) -> NetworkChange {
        NetworkChange::of(self.what())
    }
}

impl<A> EventBase<'_, A> {
    /// Reports the current state of the network: the link, and all addresses, gateways and name servers. If the state
    /// has changed, the events for the network become due. A back end calls this function in its first iteration and
    /// after each change. A call without a change has no effect.
    pub fn network_is(&mut self, now: &Network) {
        self.record_network(now);
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
    const fn record_network(&self, _: &Network) {}
}
