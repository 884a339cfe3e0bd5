//! Building blocks of every simulated network of this repository: the adapter's tests, the
//! simulator, and the end-to-end tests under QEMU.
//!
//! ```text
//!   device ── embassy-net ── DeviceEnd ═══ Cable ═══ PeerEnd ── smoltcp ── clients, Server
//! ```
//!
//! A [`Cable`] decides what happens to frames. Its two ends make it a driver of embassy-net and a
//! device of smoltcp. A [`Segment`] is a parsed TCP segment, and [`dhcp::Server`] decides what a
//! DHCP server answers. Nothing here knows the time.

pub mod dhcp;
mod ends;
pub mod host;
mod segment;

pub use ends::{Cable, Departing, DeviceEnd, End, MTU, PeerEnd, Received};
pub use segment::Segment;
