//! Shared code of the programs that measure on the chip.
//!
//! A program repeats an operation many times and reports the time it took. `cargo xtask bench chip` runs the program
//! under QEMU, whose clock advances by a fixed time for each instruction, and computes the instructions. Only the meter
//! reads this clock. The programs have another clock, which jumps to the next deadline, so they never wait.
//!
//! One image runs on both boards: they have the same processor core, and the programs use no other hardware of a board.

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
