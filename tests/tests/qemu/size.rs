//! Tests that hello-world fits into a small chip, and that it takes the amount of memory that the README states.

use anyhow::{Context, Result, ensure};
use xtask::firmware;
use xtask::qemu::Machine;
use xtask::size::{Usage, measure};

const README: &str = include_str!("../../../README.md");

/// The limits on the lm3s6965evb: 42 KB of its flash and 24 KB of its RAM.
const LIMITS: (u64, u64) = (42 * 1024, 24 * 1024);

fn hello_world(machine: Machine) -> Result<Usage> {
    measure(&firmware::prebuilt(machine.board(), "hello-world")?)
}

/// Compares flash and static RAM with the table in the README. The results of compilers differ by some bytes, so a
/// difference of two per cent is allowed. After a larger change, the table must be updated.
fn matches_the_documents(machine: Machine) -> Result<()> {
    let row = README.lines().find(|line| line.starts_with(&format!("| {}", machine.board())));
    let cells = row.context("no such row in README")?.split('|').skip(2).take(2);
    let written = cells.map(|cell| cell.trim().replace(',', "").parse::<u64>());
    let written: Vec<u64> = written.collect::<Result<_, _>>()?;
    let Usage { flash, ram, .. } = hello_world(machine)?;
    for (measured, written) in [flash, ram].into_iter().zip(written) {
        let differs = measured.abs_diff(written) * 50 > written;
        ensure!(!differs, "{measured} bytes are {written} in README: cargo xtask size --markdown");
    }
    Ok(())
}

#[test]
#[ignore = "needs firmware: cargo xtask test runs it"]
fn lm3s6965evb_has_room_for_hello_world_in_42_kb_of_flash_and_24_kb_of_ram() -> Result<()> {
    let Usage { flash, ram, .. } = hello_world(Machine::Lm3s6965evb)?;
    ensure!(flash <= LIMITS.0 && ram <= LIMITS.1, "{flash} bytes of flash, {ram} of static RAM");
    Ok(())
}

on_each_machine!(matches_the_documents);
