//! The firmware under QEMU, end to end: the same cases on each machine.
//!
//! Every case is a function of the machine, from which `on_each_machine` makes tests. The two machines
//! with a Cortex-M3 run every case; the others run those in which the processor, the clock, the
//! network controller and the interrupts have their part. The tests need firmware, which `cargo xtask test` builds before it runs them; a plain `cargo test` skips them.
//! Except for [`port_forward`], the board is on a wire of its own with a peer in the test's
//! process.

/// Makes a test of a case on each machine, as `echo::one_megabyte::mps2_an385`.
macro_rules! on_each_machine {
    ($($case:ident),+) => {$(
        on_machines!($case:
            lm3s6965evb Lm3s6965evb, mps2_an385 Mps2An385, mps2_an500 Mps2An500,
            mps2_an505 Mps2An505, riscv_virt RiscvVirt
        );
    )+};
}

/// Makes a test of a case on each machine with a Cortex-M3.
macro_rules! on_each_cortex_m3 {
    ($($case:ident),+) => {$(
        on_machines!($case: lm3s6965evb Lm3s6965evb, mps2_an385 Mps2An385);
    )+};
}

/// Makes a test of a case on some machines, each with the test's name and its own.
macro_rules! on_machines {
    ($case:ident: $($test:ident $machine:ident),+) => {
        mod $case {
            use xtask::qemu::Machine;

            $(
                #[test]
                #[ignore = "needs firmware: cargo xtask test runs it"]
                fn $test() -> anyhow::Result<()> {
                    super::$case(Machine::$machine)
                }
            )+
        }
    };
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
