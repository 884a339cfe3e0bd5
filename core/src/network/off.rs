//! The replacement without the feature `network`: nothing is stored.

use crate::event::EventList;

/// Replaces the network state when the feature `network` is off. It is empty.
pub(crate) struct NetworkState;

impl NetworkState {
    pub(crate) const NONE: Self = Self;

    pub(crate) const fn events(&mut self) -> Option<&mut EventList> {
        None
    }
}

/// Replays nothing: only a base with the feature `network` records the network.
#[cfg(feature = "record")]
pub(crate) fn play<'r, A>(_: &'r [u8], base: &crate::EventBase<'_, A>) -> crate::record::Entry<'r> {
    crate::record::Entry::Base(base.sizes())
}
