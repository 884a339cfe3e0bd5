//! Shared code of the programs that measure on the chip.
//!
//! A program repeats an operation many times, and reports the total time. `cargo xtask bench chip` runs the program
//! under QEMU. The clock of QEMU advances by a fixed time for each instruction, so `cargo xtask bench chip` computes
//! the number of instructions from the time. Only the module [`meter`] reads the clock of QEMU. The rest of a program
//! has another clock ([`clock`]). A program sets this clock to the next deadline, so it never waits.
//!
//! The LM3S6965 and the MPS2 with AN385 have the same processor core, and the programs use no other hardware of these
//! boards. So one image runs on both boards.

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
