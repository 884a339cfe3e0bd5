//! What every simulated network here is made of: for the adapter's tests, for the simulator, and for
//! the end-to-end tests under QEMU.
//!
//! ```text
//!   device ── embassy-net ── DeviceEnd ═══ Cable ═══ PeerEnd ── smoltcp ── clients, Server
//! ```
//!
//! A [`Cable`] says what happens to frames; the two ends make it a driver of embassy-net and a
//! device of smoltcp. A [`Segment`] is what a test reads of a frame, and [`dhcp::Server`] decides what
//! a DHCP server answers. Nothing here knows the time.

pub mod dhcp;
mod ends;
pub mod host;
mod segment;

pub use ends::{Cable, Departing, DeviceEnd, End, MTU, PeerEnd, Received};
pub use segment::Segment;
