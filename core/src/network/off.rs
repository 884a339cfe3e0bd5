//! The replacement without the feature `network`: nothing is stored.

use crate::event::EventList;

/// An empty replacement for the network state, when the feature `network` is off.
pub(crate) struct NetworkState;

impl NetworkState {
    pub(crate) const NONE: Self = Self;

    pub(crate) const fn events(&mut self) -> Option<&mut EventList> {
        None
    }
}

/// Replays nothing, because this base does not store the state of the network. Returns an entry that differs from the
/// recorded entry, so the replay ends with an error.
#[cfg(feature = "record")]
pub(crate) fn play<'r, A>(_: &'r [u8], base: &crate::EventBase<'_, A>) -> crate::record::Entry<'r> {
    crate::record::Entry::Base(base.sizes())
}
