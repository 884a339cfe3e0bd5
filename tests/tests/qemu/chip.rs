//! Tests that the measurement programs of `tests/bench/chip` count the same numbers of instructions on both machines
//! with a Cortex-M3.
//!
//! The test builds these programs itself, because they are not board firmware.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use xtask::bench::chip::{
    counts,
    image::{self, Profile},
    report::Report,
};
use xtask::qemu::Machine;
use xtask::toolchain::Toolchain;

#[test]
#[ignore = "needs QEMU: cargo xtask test runs it"]
fn every_machine_counts_the_same() -> Result<()> {
    let on = Machine::CORTEX_M3.map(counts);
    let [lm3s, mps2] = on;
    let (lm3s, mps2) = (lm3s?, mps2?);
    ensure!(lm3s == mps2, "{lm3s:?} on one machine, {mps2:?} on another");
    let names: BTreeSet<_> = lm3s.iter().map(|(name, _)| name).collect();
    ensure!(names.len() == lm3s.len(), "two counts have one name: {lm3s:?}");
    ensure!(lm3s.iter().all(|(_, count)| *count > 0), "something takes no instruction: {lm3s:?}");
    for profile in Profile::ALL {
        let served = format!("{}: hello, 16 sockets", profile.name());
        ensure!(names.contains(&served), "there is no {served:?} in {lm3s:?}");
    }
    Ok(())
}

#[test]
#[ignore = "needs QEMU: cargo xtask test runs it"]
fn a_clock_that_counts_no_instructions_is_refused() -> Result<()> {
    for image in image::build(Toolchain::ready()?, Profile::Speed)? {
        let report = Report::read(&image.with_shift(5).run(Machine::Lm3s6965evb)?)?;
        let refused = report.counts().map_err(|error| error.to_string());
        let is_refused = matches!(&refused, Err(error) if error.contains("counts no instructions"));
        ensure!(is_refused, "a clock four times too slow gives {refused:?}");
    }
    Ok(())
}
