//! Without the feature `network`: the base is told nothing.

use picoevent::{EventBase, Instant};

use crate::pool::Pool;

/// Stands in for what the base was told.
pub(crate) struct Told;

impl Told {
    pub(crate) const NOTHING: Self = Self;
}

impl Pool<'_, '_> {
    pub(crate) const fn network_deadline(&self) -> Instant {
        Instant::MAX
    }

    pub(crate) const fn tell_network<A>(&mut self, _: &mut EventBase<'_, A>) {}
}
