//! Shared code of the programs that measure on the chip.
//!
//! A program repeats an operation many times, and reports how long this took. `cargo xtask bench chip` runs the program
//! under QEMU. The clock of QEMU advances by a fixed time for each instruction, so `cargo xtask bench chip` computes
//! the number of instructions from the time. Only the module [`meter`] reads this clock. The rest of a program has
//! another clock ([`clock`]), which is set to the next deadline, so a program never waits.
//!
//! One image runs on both boards: they have the same processor core, and the programs use no other hardware of a board.

#![no_std]

pub mod client;
pub mod clock;
#[cfg(feature = "small-memory")]
#[path = "../../../../examples/boards/support/src/arm/divide.rs"]
mod divide;
pub mod executor;
mod exit;
pub mod greeting;
pub mod http_client;
pub mod interrupt;
#[cfg(feature = "small-memory")]
#[path = "../../../../examples/boards/support/src/arm/memory.rs"]
mod memory;
pub mod meter;
pub mod network;
pub mod random;
pub mod wire;
pub mod workloads;
