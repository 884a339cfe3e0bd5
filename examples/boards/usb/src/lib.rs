//! Shared code of the boards that a host sees as a network card on the USB cable.
//!
//! ```text
//!             ┌─ CDC-NCM: Ethernet frames ── embassy-net, 192.168.7.1, and a DHCP server for the host
//!  host ─ USB ┤
//!             └─ CDC-ACM: the log, with the feature `serial`
//! ```
//!
//! The host needs no driver and no settings: Linux, macOS and Windows 11 support the USB classes CDC-NCM and CDC-ACM,
//! and the board gives the host an address by DHCP. The board is not a router, so the host still reaches other networks
//! as before.

#![no_std]

mod cable;
mod lease;
#[cfg(not(feature = "serial"))]
#[path = "no_serial.rs"]
mod serial;
#[cfg(feature = "serial")]
mod serial;

pub use cable::{Cable, Driver};
pub use lease::{ADDRESS, start};
pub use serial::wait_until_sent;
