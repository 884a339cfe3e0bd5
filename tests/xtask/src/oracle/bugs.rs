//! Checks that the oracle finds known bugs. The bugs are planted one after the other in a copy of the repository.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::{command, patched, workspace};

/// The number of programs of each kind. Each bug must be found with these programs.
const PROGRAMS: u64 = 2_000;

/// Plants each bug, runs the oracle, and removes the bug. Returns the exit status.
pub fn run(libevent_runner: &Path) -> Result<i32> {
    let copy = tempfile::tempdir().context("there is no folder for the copy")?;
    // The build output of the copy is kept in this folder, so that the next run is faster.
    let target = workspace::target().join("oracle-bugs");
    patched::plant_each(
        super::BUGS,
        copy.path(),
        |_| true,
        |name| {
            let found = find_bug(copy.path(), &target, libevent_runner)?;
            match &found {
                Some(Found { programs, lines }) => {
                    println!("found by program {programs:>4}, shrunk to {lines:>2} lines: {name}");
                }
                None => println!("not found in {PROGRAMS} programs: {name}"),
            }
            Ok(found.is_some())
        },
    )
}

/// The cost of finding a bug.
struct Found {
    programs: u64,
    /// The length of the shrunk program.
    lines: u64,
}

/// Builds and runs the oracle of the copy. Returns `None` if the oracle does not find the bug.
fn find_bug(copy: &Path, target: &Path, libevent_runner: &Path) -> Result<Option<Found>> {
    let mut cargo = command::cargo(copy);
    cargo.env("CARGO_TARGET_DIR", target);
    cargo.args(["build", "--quiet", "--profile", "oracle", "--package", "picoevent-oracle"]);
    command::output(&mut cargo).context("with the bug it does not compile")?;
    let mut oracle = Command::new(target.join("oracle/picoevent-oracle"));
    oracle.arg("--libevent-runner").arg(libevent_runner).args([
        "--jobs",
        "1",
        "--seeds",
        &format!("0..{PROGRAMS}"),
    ]);
    let output = oracle.output().with_context(|| command::cannot_start(&oracle))?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    match (output.status.code(), stdout.lines().find_map(read_verdict)) {
        (Some(0), _) => Ok(None),
        (_, Some(found)) => Ok(Some(found)),
        _ => bail!("the oracle failed: {}", String::from_utf8_lossy(&output.stderr).trim()),
    }
}

/// Parses `seed 637 of conns: this or that is wrong; in 6 lines:`.
fn read_verdict(line: &str) -> Option<Found> {
    let (seed, rest) = line.strip_prefix("seed ")?.split_once(" of ")?;
    let lines = rest.rsplit_once("; in ")?.1.split(' ').next()?;
    Some(Found { programs: seed.parse::<u64>().ok()? + 1, lines: lines.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_and_the_length_are_parsed_from_the_oracles_output() {
        let found = read_verdict(
            "seed 637 of conns: the trace of picoevent differs from the model at our side; in 6 lines:",
        );
        let found = found.map(|found| (found.programs, found.lines));
        assert_eq!(found, Some((638, 6)));
        assert!(read_verdict("640 programs of conns, 1 mismatches, 3923 programs/s").is_none());
    }
}
