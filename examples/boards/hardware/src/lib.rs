//! What the boards one can hold share: a hardware address, and with the feature `probe` log lines and
//! panics that go out through the debug probe, and the way out.
//!
//! Nothing here knows a board.

#![no_std]

mod address;
#[cfg(feature = "probe")]
mod probe;

pub use address::address;
#[cfg(feature = "probe")]
pub use probe::exit;
