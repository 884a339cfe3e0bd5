//! Tests that a board that panics prints the backtrace, and ends with a special exit status.

use anyhow::{Result, ensure};
use picoevent_tests::board::LIMIT;
use xtask::firmware;
use xtask::qemu::{Machine, Processor, Qemu};

/// The exit status of a guest that panicked.
const PANIC_STATUS: i32 = 101;

fn the_backtrace_of_a_panic_names_the_calls(machine: Machine) -> Result<()> {
    let elf = firmware::prebuilt(machine.board(), "panics")?;
    let mut guest = Qemu::new(machine, &elf).netdev("user,id=n0").time_limit(3 * LIMIT).boot()?;
    guest.wait_for("panicked", LIMIT)?;
    ensure!(guest.wait_exit(LIMIT)? == PANIC_STATUS, "the exit status is not {PANIC_STATUS}");
    while guest.next_line(LIMIT)?.is_some() {}
    let frames: Vec<_> = guest.history().iter().map(|line| line.message.clone()).collect();
    let position = |function: &str| frames.iter().position(|call| call.contains(function));
    // On RISC-V, `inner` does not save its return address before it calls the panic function, because that call never
    // returns. So the backtrace does not contain `outer`, which has called `inner`.
    let caller = match machine.processor() {
        Processor::Arm => "panics::outer at ",
        Processor::Riscv32 => "main at ",
    };
    let (inner, outer) = (position("panics::inner at "), position(caller));
    ensure!(inner.is_some() && inner < outer, "the calls are {frames:#?}");
    ensure!(frames.iter().any(|call| call.contains("panics.rs:")), "no line is named: {frames:#?}");
    Ok(())
}

on_machines!(the_backtrace_of_a_panic_names_the_calls: mps2_an385 Mps2An385, riscv_virt RiscvVirt);
