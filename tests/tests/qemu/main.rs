//! The firmware under QEMU, end to end: the same cases on each machine.
//!
//! Every case is a function of the machine, and a test for each machine calls it. The tests need
//! firmware, which `cargo xtask test` builds before it runs them; a plain `cargo test` leaves them
//! out. Except for [`port_forward`], the board is on a wire of its own with a peer of ours.

mod bad_clients;
mod cable;
mod chip;
mod echo;
mod faults;
mod hello;
mod idle;
mod interrupt;
mod lease;
mod panics;
mod port_forward;
mod recorded;
mod size;
mod stack;

use picoevent_tests::client::Plan;

/// What hello-world answers.
const GREETING: &[u8] = b"Hello, World!\n";

/// The connections that hello-world has room for.
const SLOTS: usize = 8;

/// The ordinary client of hello-world.
fn visitor() -> Plan {
    Plan::listener_to(GREETING)
}
