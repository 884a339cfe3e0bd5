//! What the boards that run under QEMU share: a clock, an executor that sleeps, a logger, the room
//! for frames, and the way out.
//!
//! Nothing here knows a board. A board hands over a function that writes to its UART, and the
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
pub mod logger;
mod memory;
pub mod mmio;
pub mod network;
