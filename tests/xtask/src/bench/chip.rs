//! The workload `chip`: instructions on an emulated microcontroller.
//!
//! ```text
//! tests/bench/chip ─▶ image.rs ─▶ QEMU, two machines, twice ─▶ report.rs ─▶ tables.rs
//!   eight programs     built at two levels      a known time an instruction
//! ```
//!
//! QEMU's clock advances by a fixed time for each instruction. So the ticks of a timer are an exact count of
//! instructions, with the same result in every run. If two runs differ, or the clock does not count as expected, the
//! command fails and reports no figure. Instructions are not cycles: the number of cycles depends on the chip's flash
//! and core.

mod fit;
pub mod image;
mod lines;
pub mod report;
mod tables;

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

use super::Options;
use crate::{qemu::Machine, setup, table::Table};
use image::{Image, Profile};
use report::Report;

/// The workload's name.
pub const NAME: &str = "chip";

/// The counts of a profile's programs, by name.
type Counts = BTreeMap<String, u64>;

/// Builds every program, runs each program twice on every machine, and makes the tables.
///
/// # Errors
/// If something cannot be built, a clock is wrong, two runs differ, or the search for a line end takes too
/// many instructions.
pub fn run(options: &Options) -> Result<Vec<Table>> {
    let toolchain = setup::emulation()?;
    let machines = match options.quick {
        true => &Machine::CORTEX_M3[..1],
        false => &Machine::CORTEX_M3[..],
    };
    let mut counts = BTreeMap::new();
    for profile in Profile::ALL {
        let mut all = Counts::new();
        for image in image::build(toolchain, profile)? {
            let report = twice_on_each(machines, &image)?;
            all.extend(read(&image, &report)?);
        }
        lines::check(&all)?;
        counts.insert(profile, all);
    }
    let names: Vec<_> = machines.iter().map(|machine| machine.name()).collect();
    let by = format!("{} on {}", image::compiler_and_emulator(toolchain)?, names.join(" and "));
    tables::make(&counts, &by)
}

/// Returns every count in thousandths of an instruction, and every number of frames in thousandths of a
/// frame. A name consists of the profile, a colon, and the program's name for the count. `cargo xtask gate` records the
/// names, so they must not change.
///
/// Each program runs once. This takes seconds if the programs are already built.
///
/// # Errors
/// If something cannot be built, a clock is wrong, or the search for a line end takes too many instructions.
pub fn counts(machine: Machine) -> Result<Vec<(String, u64)>> {
    let toolchain = setup::emulation()?;
    let mut counts = Vec::new();
    for profile in Profile::ALL {
        let mut all = Counts::new();
        for image in image::build(toolchain, profile)? {
            all.extend(read(&image, &image.run(machine)?)?);
        }
        lines::check(&all)?;
        let named = |(name, count)| (format!("{}: {name}", profile.name()), count);
        counts.extend(all.into_iter().map(named));
    }
    Ok(counts)
}

/// Runs a program twice on each machine. Returns the program's output, which must be the same in all runs.
fn twice_on_each(machines: &[Machine], image: &Image) -> Result<String> {
    let mut first: Option<(String, Machine)> = None;
    for &machine in machines.iter().flat_map(|machine| [machine; 2]) {
        let report = image.run(machine)?;
        println!("{image} on {}: {} lines", machine.name(), report.lines().count());
        match &first {
            None => first = Some((report, machine)),
            Some((before, on)) => check_same(before, &report).with_context(|| {
                format!("{image} on {}, compared with {}", machine.name(), on.name())
            })?,
        }
    }
    let (report, _) = first.context("there is no machine to run on")?;
    Ok(report)
}

/// Checks that two runs had the same output.
fn check_same(before: &str, now: &str) -> Result<()> {
    if let Some((old, new)) = before.lines().zip(now.lines()).find(|(old, new)| old != new) {
        bail!("two runs differ:\n  {old}\n  {new}");
    }
    ensure!(before == now, "one of two runs printed fewer lines than the other");
    Ok(())
}

fn read(image: &Image, report: &str) -> Result<Vec<(String, u64)>> {
    let report = Report::read(report).with_context(|| format!("the report of {image}"))?;
    report.counts().with_context(|| format!("the report of {image}"))
}

/// Returns a count in instructions.
fn count(counts: &Counts, name: &str) -> Result<f64> {
    let count = counts.get(name).with_context(|| format!("no program counted {name:?}"))?;
    Ok(*count as f64 / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_differ_are_refused_with_the_first_different_line() {
        assert!(check_same("a\nb\n", "a\nb\n").is_ok());
        let error = check_same("a\nb\t1\n", "a\nb\t2\n").unwrap_err().to_string();
        assert!(error.contains("b\t1\n  b\t2"), "{error}");
        assert!(check_same("a\nb\n", "a\n").is_err());
    }
}
