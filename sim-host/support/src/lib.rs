//! What tests of several packages share, and would otherwise be written again in each.

#[cfg(feature = "net")]
pub mod net;
pub mod shrink;
