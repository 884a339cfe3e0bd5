//! Counts: how much of the storage is in use.
//!
//! To size the storage, run the application with the feature `peaks` and read the highest counts.

use crate::Cx;

/// The number of objects of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Counts {
    /// Things waited for: an event on the list of its source or signal counts one, its deadline one,
    /// a slot whose callback is due one (`EVENT_BASE_COUNT_ADDED`).
    pub added: usize,
    /// Slots whose callback is due (`EVENT_BASE_COUNT_ACTIVE`).
    pub active: usize,
    /// Slots taken in the table of events: what `EVENTS` of the storage must hold.
    pub events: usize,
    /// Slots taken in the table of connections, those being closed included.
    pub conns: usize,
    /// Slots taken in the table of listeners.
    pub listeners: usize,
    /// Slots taken in the table of sources.
    pub sources: usize,
    /// Slots taken in the table of UDP sockets.
    pub udp: usize,
}

impl<A> Cx<'_, A> {
    /// Returns the current counts (`event_base_get_num_events`). O(1).
    pub fn counts(&self) -> Counts {
        Counts {
            added: self.added(),
            active: self.queues.len(),
            events: self.tables.events.len(),
            conns: self.tables.conns.len(),
            listeners: self.tables.listeners.len(),
            sources: self.tables.sources.len(),
            udp: self.tables.udp.len(),
        }
    }

    pub(crate) fn added(&self) -> usize {
        let waiting = usize::from(self.registered).wrapping_add(self.armed as usize);
        waiting.wrapping_add(self.queues.len())
    }
}
