//! Replaces `on.rs` without the feature `network`: the base gets no network state.

use picoevent::{EventBase, Instant};

use crate::pool::Pool;

/// Replaces the type of the same name in `on.rs`. It is empty.
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
