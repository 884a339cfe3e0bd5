//! The local address of a connection, with the feature `local-address`.
//!
//! A back end knows the address of each socket, but it cannot be asked by a callback, so it feeds the address. The
//! slot keeps it: 24 bytes more for each connection, which is why it is a feature. Without it, a back end's feed is
//! compiled to nothing, and no socket is asked.

#[cfg(not(feature = "local-address"))]
mod off;
#[cfg(feature = "local-address")]
mod on;

#[cfg(not(feature = "local-address"))]
pub(super) use off::Local;
#[cfg(feature = "local-address")]
pub(super) use on::Local;
