//! What the application asks of the network, and what the back end feeds.

use super::{Network, NetworkChange};
use crate::error::FullError;
use crate::event::{EventMut, OnEvent, Waiting};
use crate::handle::Event;
use crate::queue::Id;
use crate::watcher::When;
use crate::{Cx, EventBase};

/// What is kept of the network.
pub(crate) struct NetworkState {
    /// As the back end described it last.
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
    /// Calls `call` when the network changes, until the event is deleted or freed: the link comes up or goes down, an
    /// address is gained or lost, there are other name servers. [`EventMut::network_change`] says which, and
    /// [`Cx::network`] what there is now. Changes that come before the callback runs are one call.
    ///
    /// Before the loop runs there is no link and no address. So an event that is made when the application is started
    /// hears of the network that is there then, too. Such an event does not keep the loop alive and does not count as
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

    /// Returns the network, as the back end described it last.
    pub const fn network(&self) -> &Network {
        &self.network.now
    }
}

impl<A> EventMut<'_, '_, A> {
    /// Returns what has changed, in the callback of an event for the network; otherwise nothing.
    pub const fn network_change(&self) -> NetworkChange {
        NetworkChange::of(self.what())
    }
}

impl<A> EventBase<'_, A> {
    /// Feeds what the network is like now. If it has changed, the events for that become due. A back end calls it
    /// in its first turn and after each change; calling it without a change does no harm.
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
