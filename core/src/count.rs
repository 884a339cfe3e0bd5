//! Counts: how much of the storage is in use.
//!
//! To size the storage, run the application with the feature `peaks` and read the highest counts.

use crate::Cx;

/// The numbers of slots in use and of due callbacks in a base.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Counts {
    /// The sum of three numbers (`EVENT_BASE_COUNT_ADDED`): the events that wait for a source or signal, the events
    /// whose timeout is armed, and the slots whose callback is due. So an event can be counted up to three times.
    pub added: usize,
    /// The number of slots whose callback is due (`EVENT_BASE_COUNT_ACTIVE`).
    pub active: usize,
    /// The number of slots in use in the event table. The size of this table is `EVENTS` of the storage.
    pub events: usize,
    /// The number of slots in use in the connection table. Closed connections are included until their slots are free.
    pub conns: usize,
    /// The number of slots in use in the listener table.
    pub listeners: usize,
    /// The number of slots in use in the source table.
    pub sources: usize,
    /// The number of slots in use in the table of UDP sockets.
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
