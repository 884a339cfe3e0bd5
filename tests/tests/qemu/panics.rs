//! A board that panics prints the backtrace, and ends with a special exit status.

use anyhow::{Result, ensure};
use picoevent_tests::board::LIMIT;
use xtask::firmware;
use xtask::qemu::{Machine, Processor, Qemu};

/// The exit status of a guest that panicked.
const BROKEN: i32 = 101;

fn names_the_calls(machine: Machine) -> Result<()> {
    let elf = firmware::prebuilt(machine.board(), "panics")?;
    let mut guest = Qemu::new(machine, &elf).netdev("user,id=n0").time_limit(3 * LIMIT).boot()?;
    guest.wait_for("panicked", LIMIT)?;
    ensure!(guest.wait_exit(LIMIT)? == BROKEN, "the status is another");
    while guest.next_line(LIMIT)?.is_some() {}
    let calls: Vec<_> = guest.history().iter().map(|line| line.message.clone()).collect();
    let place = |function: &str| calls.iter().position(|call| call.contains(function));
    // On RISC-V, a function that ends with a call that panics does not save its return address.
    let caller = match machine.processor() {
        Processor::Arm => "panics::outer at ",
        Processor::Riscv32 => "main at ",
    };
    let (inner, outer) = (place("panics::inner at "), place(caller));
    ensure!(inner.is_some() && inner < outer, "the calls are {calls:#?}");
    ensure!(calls.iter().any(|call| call.contains("panics.rs:")), "no line is named: {calls:#?}");
    Ok(())
}

on_machines!(names_the_calls: mps2_an385 Mps2An385, riscv_virt RiscvVirt);
