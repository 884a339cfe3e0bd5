//! The local address of a connection, with the feature `local-address`.
//!
//! A callback cannot query the back end for a socket's address. So the back end reports the address, and the
//! connection's slot stores it. The address takes 24 more bytes for each connection, so this is an optional feature.
//! Without the feature, [`local_is`](crate::EventBase::local_is) does nothing, and the back end does not query the
//! socket.

#[cfg(not(feature = "local-address"))]
mod off;
#[cfg(feature = "local-address")]
mod on;

#[cfg(not(feature = "local-address"))]
pub(super) use off::Local;
#[cfg(feature = "local-address")]
pub(super) use on::Local;
