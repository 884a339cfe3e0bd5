//! `cargo xtask gate`: checks that the core's costs differ by at most two per cent from the recorded costs.
//!
//! Times differ from run to run, so no test checks times. Numbers of instructions and bytes do not differ: the same
//! source and compiler give the same figures. `tests/bench/recorded.toml` contains these figures. The check fails if a
//! figure is more than two per cent larger or smaller than the recorded figure. If a change of a cost is intended, the
//! author of the change records the new figures in the same commit. So the history of `tests/bench/recorded.toml` is
//! the history of the costs.
//!
//! If the compiler differs from the recorded compiler, the check shows the differences, but does not fail.

mod compare;
mod record;
mod source;

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, ensure};

use crate::{toolchain::Toolchain, workspace};
use compare::compare;

/// What to do with the measured figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Compare the figures with the record.
    Compare,
    /// Write the figures into the record.
    Record,
}

/// Measures the figures. Then compares the figures with the record, or writes them into the record.
///
/// # Errors
/// If something cannot be measured, or a figure differs from the record.
pub fn run(task: Task) -> Result<()> {
    let file = file();
    let name = file.strip_prefix(workspace::root()).unwrap_or(&file).display();
    // Read the record before the measurement, so that an invalid record is reported at once, not after a minute.
    let recorded = match task {
        Task::Compare => {
            let text = fs::read_to_string(&file)
                .with_context(|| format!("cannot read {name}; {}", compare::HOW_TO_RECORD))?;
            Some(record::read(&text).with_context(|| format!("{name} is not a record"))?)
        }
        Task::Record => None,
    };
    let now = source::measure(Toolchain::ready()?)?;
    let Some(recorded) = recorded else {
        fs::write(&file, record::text(&now)?).with_context(|| format!("cannot write {name}"))?;
        println!("\nrecorded {} figures in {name}", record::count(&now));
        return Ok(());
    };
    let found = compare(&recorded, &now);
    println!("\n{found}");
    ensure!(found.is_as_recorded(), "{}", found.summary());
    Ok(())
}

/// Returns the recorded bytes of one figure.
///
/// # Errors
/// If there is no record, or the record has no figure with this name.
pub fn recorded_bytes(what: &str) -> Result<u64> {
    let text = fs::read_to_string(file()).context("cannot read the recorded figures")?;
    let record = record::read(&text)?;
    let figures = record.values().find_map(|group| group.figures.get(what));
    figures.copied().with_context(|| format!("{what:?} is not among the recorded figures"))
}

fn file() -> PathBuf {
    workspace::root().join("tests/bench/recorded.toml")
}
