//! Without the feature `network`: nothing is kept.

use crate::event::Waiting;

/// Stands in for what is kept of the network.
pub(crate) struct NetworkState;

impl NetworkState {
    pub(crate) const NONE: Self = Self;

    pub(crate) const fn events(&mut self) -> Option<&mut Waiting> {
        None
    }
}

/// Plays nothing: a recording with a network is of a base that has the feature.
#[cfg(feature = "record")]
pub(crate) fn play<'r, A>(_: &'r [u8], base: &crate::EventBase<'_, A>) -> crate::record::Entry<'r> {
    crate::record::Entry::Base(base.sizes())
}
