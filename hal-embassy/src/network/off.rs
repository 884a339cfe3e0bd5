//! Replaces `on.rs` if the feature `network` is off: the base gets no network state.

use picoevent::{EventBase, Instant};

use crate::socket_table::SocketTable;

/// Replaces the type of the same name in `on.rs`. It is empty.
pub(crate) struct Reported;

impl Reported {
    pub(crate) const NO: Self = Self;
}

impl SocketTable<'_, '_> {
    pub(crate) const fn network_deadline(&self) -> Instant {
        Instant::MAX
    }

    pub(crate) const fn report_network<A>(&mut self, _: &mut EventBase<'_, A>) {}
}
