//! What boards share that are a network card to the host at the other end of their USB cable.
//!
//! ```text
//!             ┌─ CDC-NCM: Ethernet frames ── embassy-net, 192.168.7.1, and a DHCP server for the host
//!  host ─ USB ┤
//!             └─ CDC-ACM: the log, with the feature `serial`
//! ```
//!
//! The host needs no driver and no settings: Linux, macOS and Windows 11 know both classes, and the board lends
//! the host its address. The board is no way to other networks, so the host's own connection stays as it is.

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
pub use serial::sent;
