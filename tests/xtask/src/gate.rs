//! `cargo xtask gate`: checks that the core's costs are as recorded, to two per cent.
//!
//! Times differ from run to run, so no test asserts them. Instructions and bytes do not differ: the same source and
//! compiler give the same figures. They are recorded in `tests/bench/recorded.toml`. This check fails if a figure
//! differs by more than two per cent, up or down. An intended change is recorded in the same commit, so the history
//! of that file is the history of the costs.
//!
//! If the compiler differs from the recorded compiler, differences are shown but the check does not fail.

mod compare;
mod record;
mod source;

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, ensure};

use crate::{toolchain::Toolchain, workspace};
use compare::compare;

/// The use of the figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Compare them with the record.
    Judge,
    /// Make them the record.
    Record,
}

/// Measures the figures. Then compares them with the record, or makes them the record.
///
/// # Errors
/// If something cannot be measured, or a figure differs from the record.
pub fn run(task: Task) -> Result<()> {
    let file = file();
    let name = file.strip_prefix(workspace::root()).unwrap_or(&file).display();
    // Read first, so that an invalid record is reported at once, not after a minute.
    let recorded = match task {
        Task::Judge => {
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
    ensure!(found.is_as_recorded(), "{}", found.verdict());
    Ok(())
}

/// Returns the recorded bytes of one figure.
///
/// # Errors
/// If there is no record, or it has no such figure.
pub fn recorded_bytes(what: &str) -> Result<u64> {
    let text = fs::read_to_string(file()).context("cannot read the recorded figures")?;
    let record = record::read(&text)?;
    let figures = record.values().find_map(|group| group.figures.get(what));
    figures.copied().with_context(|| format!("{what:?} is not among the recorded figures"))
}

fn file() -> PathBuf {
    workspace::root().join("tests/bench/recorded.toml")
}
