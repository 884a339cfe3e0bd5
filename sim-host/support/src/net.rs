//! The parts of all simulated networks in this repository: the adapter's tests, the simulator, and
//! the end-to-end tests under QEMU.
//!
//! ```text
//!   device ── embassy-net ── DeviceEnd ═══ Cable ═══ PeerEnd ── smoltcp ── clients, Server
//! ```
//!
//! A [`Cable`] decides what happens to frames. Each side of the cable has a driver: [`DeviceEnd`] for embassy-net, and
//! [`PeerEnd`] for smoltcp. A [`Segment`] is a parsed TCP segment. [`dhcp::Server`] makes the answers of a DHCP server.
//! Nothing here depends on time.

pub mod dhcp;
mod ends;
pub mod host;
mod segment;

pub use ends::{Cable, Departing, DeviceEnd, End, MTU, PeerEnd, Received};
pub use segment::Segment;
