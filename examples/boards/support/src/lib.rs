//! Shared code of the boards that run under QEMU: a clock, an executor that sleeps, a logger, the
//! buffers for frames, and the exit.
//!
//! Nothing in this package depends on a particular board. A board passes a function that writes to its UART, and
//! implements [`Timers`](clock::Timers) for its timers. The module `processor` has two versions, for Arm and for
//! RISC-V.

#![no_std]

pub mod arp;
mod backtrace;
pub mod clock;
pub mod console;
pub mod executor;
pub mod exit;
pub mod frame;
pub mod logger;
pub mod mmio;
pub mod network;
#[cfg(target_arch = "arm")]
#[path = "arm/mod.rs"]
mod processor;
#[cfg(target_arch = "riscv32")]
#[path = "riscv.rs"]
mod processor;
pub mod random;
pub mod rounds;
#[cfg(feature = "time-of-day")]
#[path = "time_of_day.rs"]
pub mod timestamp;
#[cfg(not(feature = "time-of-day"))]
#[path = "uptime.rs"]
mod timestamp;

pub use processor::entry;
#[cfg(target_arch = "arm")]
pub use processor::{interrupt, stack_limit};
