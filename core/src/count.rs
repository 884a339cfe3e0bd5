//! Counts: how much of the storage is in use, and the most that ever was.
//!
//! A firmware engineer runs the application, asks for the peaks, and sizes the storage by them.

use crate::Cx;

/// How many there are of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Counts {
    /// Things waited for: an event on the list of its source or signal counts one, a deadline one,
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
}

/// How many things are waited for, and the most there were (`EVENT_BASE_COUNT_ADDED`).
#[derive(Default)]
pub(crate) struct Added {
    now: usize,
    most: usize,
}

impl Added {
    /// One more. There is memory for fewer than numbers, so the count never wraps.
    pub(crate) fn more(&mut self) {
        self.now = self.now.wrapping_add(1);
        self.most = self.most.max(self.now);
    }

    pub(crate) const fn fewer(&mut self) {
        self.now = self.now.wrapping_sub(1);
    }
}

impl<A> Cx<'_, A> {
    /// What there is now (`event_base_get_num_events`). O(1).
    pub fn counts(&self) -> Counts {
        Counts {
            added: self.added.now,
            active: self.active.len(),
            events: self.tables.events.len(),
            conns: self.tables.conns.len(),
            listeners: self.tables.listeners.len(),
            sources: self.tables.sources.len(),
        }
    }

    /// The most there ever was of each (`event_base_get_max_events`). O(1).
    pub fn peaks(&self) -> Counts {
        Counts {
            added: self.added.most,
            active: self.active.peak(),
            events: self.tables.events.peak(),
            conns: self.tables.conns.peak(),
            listeners: self.tables.listeners.peak(),
            sources: self.tables.sources.peak(),
        }
    }

    /// The peaks, which begin again at what there is now.
    pub fn take_peaks(&mut self) -> Counts {
        let peaks = self.peaks();
        self.added.most = self.added.now;
        self.active.reset_peak();
        self.tables.events.reset_peak();
        self.tables.conns.reset_peak();
        self.tables.listeners.reset_peak();
        self.tables.sources.reset_peak();
        peaks
    }
}
