//! Counts: how much of the storage is in use.
//!
//! To size the storage, run the application with the feature `peaks` and read the highest counts.

use crate::Cx;

/// The number of objects of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Counts {
    /// The number of things the loop waits for (`EVENT_BASE_COUNT_ADDED`). An event that waits for
    /// its source or signal counts one, an armed timeout counts one, and a slot whose callback is
    /// due counts one.
    pub added: usize,
    /// The number of slots whose callback is due (`EVENT_BASE_COUNT_ACTIVE`).
    pub active: usize,
    /// The slots in use in the event table, limited by `EVENTS` of the storage.
    pub events: usize,
    /// The slots in use in the connection table. Connections that are being closed count, too.
    pub conns: usize,
    /// The slots in use in the listener table.
    pub listeners: usize,
    /// The slots in use in the source table.
    pub sources: usize,
    /// The slots in use in the table of UDP sockets.
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
