//! End-to-end tests of the firmware under QEMU: the same cases on each machine.
//!
//! Every case is a function with the machine as parameter. `on_each_machine` makes a test for each machine from a case.
//! The two machines with a Cortex-M3 run every case. The other machines run only the cases that depend on the
//! processor, the clock, the network controller or the interrupts. The tests need firmware. `cargo xtask test` first
//! builds the firmware and then runs these tests. A plain `cargo test` skips these tests.
//!
//! Each board is on a separate wire with a peer in the test's process. The exceptions are a few tests that use QEMU's
//! user networking, such as [`port_forward`].

/// Makes one test per machine from a case, for example `echo::one_megabyte::mps2_an385`.
macro_rules! on_each_machine {
    ($($case:ident),+) => {$(
        on_machines!($case:
            lm3s6965evb Lm3s6965evb, mps2_an385 Mps2An385, mps2_an500 Mps2An500,
            mps2_an505 Mps2An505, riscv_virt RiscvVirt
        );
    )+};
}

/// Makes one test per machine with a Cortex-M3 from a case.
macro_rules! on_each_cortex_m3 {
    ($($case:ident),+) => {$(
        on_machines!($case: lm3s6965evb Lm3s6965evb, mps2_an385 Mps2An385);
    )+};
}

/// Makes one test per given machine from a case.
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

/// The text that hello-world sends.
const GREETING: &[u8] = b"Hello, World!\n";

/// The number of connection slots of hello-world.
const SLOTS: usize = 8;

/// Returns the plan of an ordinary client of hello-world.
fn reading_client() -> Plan {
    Plan::listener_to(GREETING)
}
