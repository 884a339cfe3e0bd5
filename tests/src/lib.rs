//! What the end-to-end tests stand on: an Ethernet neighbour for an emulated board.
//!
//! A board under QEMU gets one real cable, a Unix datagram socket that carries one Ethernet frame
//! per datagram, and at its other end a second TCP/IP stack that runs in the test's own process.
//! So the tests need no TAP device, no privileges, no ports of the machine they run on, and QEMU's
//! user networking with its hidden queues stands between nobody.
//!
//! ```text
//!  test ── Board ──┬── Peer ── Wire ═══ unix datagrams ═══ QEMU's NIC model ── firmware
//!                  │    ├─ Client, Client, …   good and bad, each with a Plan
//!                  │    └─ DhcpServer          leases that a test can take away
//!                  └── QEMU: serial line, log, monitor
//! ```
//!
//! [`wire`] and [`peer`] know nothing of QEMU: their own tests run them against another stack in
//! the same process.

pub mod board;
pub mod client;
pub mod dhcp;
mod forward;
pub mod pattern;
pub mod peer;
pub mod wire;
