//! Tests that a board that panics, or whose stack overflows, prints the backtrace, and ends with a special exit status.

use anyhow::{Result, ensure};
use picoevent_tests::board::LIMIT;
use xtask::firmware;
use xtask::qemu::{Machine, Processor, Qemu};

/// The exit status of a guest that panicked.
const PANIC_STATUS: i32 = 101;

/// Runs a program that logs `failure` and ends with [`PANIC_STATUS`]. Returns the lines of its log.
fn log_of_failure(machine: Machine, program: &str, failure: &str) -> Result<Vec<String>> {
    let elf = firmware::prebuilt(machine.board(), program)?;
    let mut guest = Qemu::new(machine, &elf).netdev("user,id=n0").time_limit(3 * LIMIT).boot()?;
    guest.wait_for(failure, LIMIT)?;
    ensure!(guest.wait_exit(LIMIT)? == PANIC_STATUS, "the exit status is not {PANIC_STATUS}");
    while guest.next_line(LIMIT)?.is_some() {}
    Ok(guest.history().iter().map(|line| line.message.clone()).collect())
}

fn the_backtrace_of_a_panic_names_the_calls(machine: Machine) -> Result<()> {
    let frames = log_of_failure(machine, "panics", "panicked")?;
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

/// The two machines have different kinds of memory protection units.
fn the_backtrace_of_a_stack_overflow_names_the_calls(machine: Machine) -> Result<()> {
    let frames = log_of_failure(machine, "overflows", "stack overflow")?;
    let calls = frames.iter().filter(|call| call.contains("overflows::recurse at ")).count();
    ensure!(calls > 1, "the calls are {frames:#?}");
    Ok(())
}

on_machines!(
    the_backtrace_of_a_stack_overflow_names_the_calls: mps2_an385 Mps2An385, mps2_an505 Mps2An505
);
