//! The parts of simulated networks. The adapter's tests, the simulator, and the end-to-end tests under QEMU are made
//! from these parts.
//!
//! ```text
//!   device ── embassy-net ── DeviceEnd ═══ Cable ═══ PeerEnd ── smoltcp ── clients, Server
//! ```
//!
//! A [`Cable`] decides what happens to frames. Each side of the cable has a driver: [`DeviceEnd`] for embassy-net, and
//! [`PeerEnd`] for smoltcp. A [`Segment`] is a parsed TCP segment. [`dhcp::Server`] makes the answers of a DHCP server.
//! None of these parts reads a clock.

pub mod dhcp;
mod ends;
pub mod host;
mod segment;

pub use ends::{Cable, Departing, DeviceEnd, End, MTU, PeerEnd, Received};
pub use segment::Segment;
