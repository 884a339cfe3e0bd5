//! Support for end-to-end tests: an Ethernet peer for an emulated board.
//!
//! A board under QEMU has one cable: a Unix datagram socket, on which each datagram is one Ethernet frame. A second
//! TCP/IP stack, in the test's process, is connected to the other side of the cable. So the tests need no TAP device,
//! no privileges and no host ports, and do not depend on QEMU's user networking with its hidden queues.
//!
//! ```text
//!  test ── Board ──┬── Peer ── Wire ═══ unix datagrams ═══ QEMU's NIC model ── firmware
//!                  │    ├─ Client, Client, …   good and bad, each with a Plan
//!                  │    └─ DhcpServer          leases that a test can revoke
//!                  └── QEMU: serial line, log, monitor
//! ```
//!
//! [`gateway`] checks a gateway through its addresses. [`broker`] is an MQTT broker for the gateway, on real sockets.
//! [`misbehaving`] contains clients that misbehave on real sockets. [`soak`] contains the long runs of
//! `cargo xtask soak`.
//!
//! [`wire`] and [`peer`] do not depend on QEMU: the unit tests of these modules run them against another stack in the
//! same process.

mod answering;
pub mod board;
pub mod broker;
pub mod client;
pub mod dhcp;
mod forward;
pub mod gateway;
pub mod misbehaving;
pub mod pattern;
pub mod peer;
#[cfg(doctest)]
mod readmes;
pub mod soak;
pub mod wire;
