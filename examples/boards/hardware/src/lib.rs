//! Shared code of the hardware boards: a MAC address, and with the feature `probe` the log, panics and
//! the exit through a debug probe.
//!
//! Nothing in this package depends on a particular board.

#![no_std]

mod address;
#[cfg(feature = "probe")]
mod probe;

pub use address::address;
#[cfg(feature = "probe")]
pub use probe::exit;
