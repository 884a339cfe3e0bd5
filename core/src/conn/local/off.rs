//! The replacement for the local address when the feature `local-address` is off. The replacement stores nothing.

use core::net::SocketAddr;

use crate::EventBase;
use crate::handle::Conn;

/// An empty replacement for the local address.
#[derive(Clone, Copy)]
pub(crate) struct Local;

impl Local {
    pub(crate) const NONE: Self = Self;
}

impl<A> EventBase<'_, A> {
    /// Reports the local address of a connection, before [`connected`](Self::connected) or after
    /// [`accepted`](Self::accepted). Without the feature `local-address`, this function does nothing, and does not call
    /// its argument.
    #[inline(always)]
    pub fn local_is(&mut self, _: Conn, _: impl FnOnce() -> Option<SocketAddr>) {}
}
