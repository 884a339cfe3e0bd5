//! What the boards one can hold share: log lines and panics that go out through the debug probe,
//! a hardware address, and the way out.
//!
//! Nothing here knows a board. `probe-rs run` is at the other end of it: it prints the lines, and
//! ends when the firmware does.

#![no_std]

use {defmt_rtt as _, panic_probe as _};

mod address;
mod exit;

pub use address::address;
pub use exit::exit;
