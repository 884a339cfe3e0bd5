//! The measurements on the chip: what its programs share.
//!
//! A program does something many times and says how long that took; `cargo xtask bench chip` runs
//! it under QEMU, whose clock then advances by a fixed time for each instruction, and works out
//! instructions. All time but the meter's is virtual: nothing waits.
//!
//! One image runs on both boards. They have the same core, and nothing else of a board is used.

#![no_std]

pub mod asker;
pub mod client;
pub mod clock;
#[cfg(feature = "small-memory")]
#[path = "../../../../examples/boards/support/src/arm/divide.rs"]
mod divide;
pub mod executor;
mod exit;
pub mod interrupt;
pub mod loops;
#[cfg(feature = "small-memory")]
#[path = "../../../../examples/boards/support/src/arm/memory.rs"]
mod memory;
pub mod meter;
pub mod network;
pub mod random;
pub mod served;
pub mod wire;
