//! The replacement of the peaks without the feature `peaks`: no peaks are stored.

use crate::Cx;

/// An empty type that replaces a peak.
pub(crate) struct Peak;

impl Peak {
    pub(crate) const NONE: Self = Self;

    pub(crate) const fn update(&mut self, _: usize) {}
}

impl<A> Cx<'_, A> {
    pub(crate) const fn update_added_peak(&mut self) {
        self.most_added.update(0);
    }
}
