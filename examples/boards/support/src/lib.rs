//! Shared code of the boards that run under QEMU: a clock, an executor that sleeps, a logger, the
//! buffers for frames, and the exit.
//!
//! Nothing here depends on a board. A board passes a function that writes to its UART, and the
//! registers of its timers.

#![no_std]

pub mod arp;
mod backtrace;
pub mod clock;
pub mod console;
mod divide;
pub mod executor;
pub mod exit;
pub mod frame;
pub mod interrupt;
pub mod logger;
mod memory;
pub mod mmio;
pub mod network;
pub mod random;
#[cfg(feature = "time-of-day")]
#[path = "time_of_day.rs"]
pub mod timestamp;
#[cfg(not(feature = "time-of-day"))]
#[path = "uptime.rs"]
mod timestamp;
