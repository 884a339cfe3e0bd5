//! The local address of a connection, with the feature `local-address`.
//!
//! A callback cannot ask the back end for a socket's address, so the back end feeds the address and the slot stores
//! it. This takes 24 more bytes for each connection, so it is an optional feature. Without the feature, the feed
//! compiles to nothing, and the back end does not query the socket.

#[cfg(not(feature = "local-address"))]
mod off;
#[cfg(feature = "local-address")]
mod on;

#[cfg(not(feature = "local-address"))]
pub(super) use off::Local;
#[cfg(feature = "local-address")]
pub(super) use on::Local;
