//! Peaks, with the feature `peaks`.

use crate::{Counts, Cx};

/// The highest value that a count has reached.
pub(crate) struct Peak(usize);

impl Peak {
    pub(crate) const NONE: Self = Self(0);

    /// Raises the peak to the current count, if the count is higher.
    pub(crate) fn update(&mut self, now: usize) {
        self.0 = self.0.max(now);
    }

    pub(crate) const fn get(&self) -> usize {
        self.0
    }

    /// Resets the peak to the current count.
    pub(crate) const fn reset(&mut self, now: usize) {
        self.0 = now;
    }
}

impl<A> Cx<'_, A> {
    /// Returns the highest value of each count since the start or the last [`take_peaks`](Self::take_peaks)
    /// (`event_base_get_max_events`). O(1).
    pub fn peaks(&self) -> Counts {
        Counts {
            added: self.most_added.get(),
            active: self.queues.peak.get(),
            events: self.tables.events.peak.get(),
            conns: self.tables.conns.peak.get(),
            listeners: self.tables.listeners.peak.get(),
            sources: self.tables.sources.peak.get(),
            udp: self.tables.udp.peak(),
        }
    }

    /// Returns the peaks, and resets them to the current counts.
    pub fn take_peaks(&mut self) -> Counts {
        let (peaks, now) = (self.peaks(), self.counts());
        self.most_added.reset(now.added);
        self.queues.peak.reset(now.active);
        self.tables.events.peak.reset(now.events);
        self.tables.conns.peak.reset(now.conns);
        self.tables.listeners.peak.reset(now.listeners);
        self.tables.sources.peak.reset(now.sources);
        self.tables.udp.reset_peak(now.udp);
        peaks
    }

    /// Updates the peak of `added`. This function is called wherever `added` may have grown.
    pub(crate) fn update_added_peak(&mut self) {
        let added = self.added();
        self.most_added.update(added);
    }
}
