//! What the boards that run under QEMU share: an executor that sleeps, a logger, and the way out.
//!
//! Nothing here knows a board. A board hands over a function that writes to its UART.

#![no_std]

pub mod arp;
pub mod executor;
pub mod exit;
pub mod logger;
pub mod mmio;
pub mod network;
