//! The firmware under QEMU, end to end: the same cases on each machine.
//!
//! Every case is a function of the machine, from which `on_each_machine` makes tests. They need
//! firmware, which `cargo xtask test` builds before it runs them; a plain `cargo test` skips them.
//! Except for [`port_forward`], the board is on a wire of its own with a peer in the test's
//! process.

/// Makes a test of a case on each machine, as `echo::one_megabyte::mps2_an385`.
macro_rules! on_each_machine {
    ($($case:ident),+) => {$(
        mod $case {
            use xtask::qemu::Machine;

            #[test]
            #[ignore = "needs firmware: cargo xtask test runs it"]
            fn lm3s6965evb() -> anyhow::Result<()> {
                super::$case(Machine::Lm3s6965evb)
            }

            #[test]
            #[ignore = "needs firmware: cargo xtask test runs it"]
            fn mps2_an385() -> anyhow::Result<()> {
                super::$case(Machine::Mps2An385)
            }
        }
    )+};
}

mod bad_clients;
mod cable;
mod chat;
mod chip;
mod device;
mod echo;
mod faults;
mod gateway;
mod hello;
mod idle;
mod interrupt;
mod ipv6;
mod lease;
mod panics;
mod port_forward;
mod proxy;
mod recorded;
mod size;
mod stack;
mod tutorial;
mod udp_time;

use picoevent_tests::client::Plan;

/// The answer of hello-world.
const GREETING: &[u8] = b"Hello, World!\n";

/// The connections that hello-world has room for.
const SLOTS: usize = 8;

/// Returns the plan of hello-world's ordinary client.
fn visitor() -> Plan {
    Plan::listener_to(GREETING)
}
