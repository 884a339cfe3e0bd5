//! `cargo xtask mutants`: checks that the simulator finds planted bugs.
//!
//! Each patch in `tests/mutants` plants one bug in the core, the adapter or an example. The patch is applied to a copy
//! of the repository. The simulator of this copy must find the bug within a thousand seeds. A choice log records the
//! random choices of a simulation. The simulator must also shrink the choice log of the failed simulation to at most
//! twenty lines.
//!
//! `cargo xtask test` plants only some of the bugs, but compiles all of them ([`compile`]). So a patch that uses a
//! renamed function is found in the commit that renames the function.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{command, oracle, patched, workspace};

/// The folder of the patches.
const BUGS: &str = "tests/mutants";
/// The number of seeds within which a bug must be found.
const SEEDS: u64 = 1_000;
/// The largest allowed number of lines in a shrunk choice log.
const LINES: usize = 20;
/// The time limit of shrinking.
const SHRINKING: Duration = Duration::from_secs(10);
/// The applications, which are simulated one after the other. A patch can select some of the applications in a line
/// that begins with [`NAMES`].
const APPLICATIONS: [&str; 10] = [
    "hello-world",
    "echo",
    "echo-filtered",
    "prober",
    "udp-time",
    "chat",
    "proxy",
    "caller",
    "device",
    "gateway",
];
/// The text in a patch before the names of the applications that contain the changed code.
const NAMES: &str = "It is looked for with ";

/// The result of finding a bug.
struct Found {
    application: String,
    seed: u64,
    lines: usize,
    verdict: String,
    shrinking: Duration,
}

/// The number of parts into which the bugs are divided. Each run of `cargo xtask test` plants the bugs of one part. The
/// commit determines the part.
pub const PARTS: u64 = 5;

/// Which bugs to plant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'n> {
    /// All bugs.
    All,
    /// Bugs whose names contain this text.
    Named(&'n str),
    /// Bugs whose numbers have this remainder modulo [`PARTS`].
    Part(u64),
}

impl Which<'_> {
    fn includes(self, name: &str) -> bool {
        let number = || name.split('-').next().and_then(|number| number.parse::<u64>().ok());
        match self {
            Self::All => true,
            Self::Named(part) => name.contains(part),
            Self::Part(part) => number().unwrap_or(0) % PARTS == part % PARTS,
        }
    }
}

/// Plants each bug of the simulator and of the oracle, and checks that the code with the bug compiles. Returns the exit
/// status.
///
/// # Errors
/// If the copy cannot be made or restored.
pub fn compile() -> Result<i32> {
    let mut status = 0;
    for (bugs, package) in [(BUGS, "picoevent-sim-command"), (oracle::BUGS, "picoevent-oracle")] {
        let (target, copy) = empty_copy()?;
        status |= patched::plant_each(
            bugs,
            &copy,
            |_| true,
            |_| {
                let mut cargo = command::cargo(&copy);
                cargo.env("CARGO_TARGET_DIR", &target).args([
                    "check",
                    "--quiet",
                    "--package",
                    package,
                ]);
                command::output(&mut cargo).context("with the bug it does not compile")?;
                Ok(true)
            },
        )?;
    }
    Ok(status)
}

/// Plants bugs, and checks whether each bug is found. Returns the exit status.
///
/// # Errors
/// If `which` selects no patch, or the copy cannot be made or restored.
pub fn run(which: Which<'_>) -> Result<i32> {
    let (target, copy) = empty_copy()?;
    println!("|   seed | lines | mutant | application | verdict |");
    println!("|-------:|------:|--------|-------------|---------|");
    let is_wanted = |name: &str| which.includes(name);
    patched::plant_each(BUGS, &copy, is_wanted, |name| {
        let patch = copy.join(BUGS).join(name).with_extension("patch");
        let text = fs::read_to_string(&patch).with_context(|| patch.display().to_string())?;
        let Some(found) = find_bug(&copy, &target, &applications(&text))? else {
            println!("| not in {SEEDS} | | {name} | | |");
            return Ok(false);
        };
        let Found { application, seed, lines, verdict, shrinking } = found;
        println!("| {seed:>6} | {lines:>5} | {name} | {application} | {verdict} |");
        let is_short = lines <= LINES && shrinking <= SHRINKING;
        if !is_short {
            println!("{name} was shrunk to {lines} lines in {:.1} s", shrinking.as_secs_f64());
        }
        Ok(is_short)
    })
}

/// Makes an empty folder for the copy. Returns the folder of the build output, and the folder of the copy.
fn empty_copy() -> Result<(PathBuf, PathBuf)> {
    let target = workspace::target().join("mutants");
    let copy = target.join("tree");
    if copy.exists() {
        fs::remove_dir_all(&copy).with_context(|| copy.display().to_string())?;
    }
    fs::create_dir_all(&copy).with_context(|| copy.display().to_string())?;
    Ok((target, copy))
}

/// Returns the applications that must find a patch's bug.
fn applications(patch: &str) -> Vec<&str> {
    let named = patch.lines().find_map(|line| line.strip_prefix(NAMES)?.strip_suffix('.'));
    named.map_or_else(|| APPLICATIONS.to_vec(), |named| named.split(" and ").collect())
}

/// Builds the simulator of the copy, and simulates the applications with all seeds until a simulation fails. Returns
/// `None` if no simulation fails.
fn find_bug(copy: &Path, target: &Path, applications: &[&str]) -> Result<Option<Found>> {
    let mut cargo = command::cargo(copy);
    // Short builds matter more than the speed of a thousand seeds.
    cargo.env("CARGO_PROFILE_SIMULATOR_LTO", "off");
    cargo.env("CARGO_PROFILE_SIMULATOR_CODEGEN_UNITS", "16");
    cargo.env("CARGO_PROFILE_SIMULATOR_INCREMENTAL", "true");
    cargo.env("CARGO_TARGET_DIR", target);
    cargo.args(["build", "--quiet", "--profile", "simulator"]);
    cargo.args(["--package", "picoevent-sim-command"]);
    let built = cargo.output().with_context(|| command::cannot_start(&cargo))?;
    ensure!(built.status.success(), "with the bug it does not compile: {}", printed(&built.stderr));
    let simulator = target.join("simulator/picoevent-sim");
    for application in applications {
        let seeds = format!("0..{SEEDS}");
        let swept = simulate(&simulator, target, &["run", application, "--seeds", &seeds])?;
        let output = printed(&swept.stdout);
        let failed = format!("FAILED {application}, seed ");
        let Some(line) = output.lines().find_map(|line| line.strip_prefix(&failed)) else {
            ensure!(swept.status.success(), "the sweep failed: {}", printed(&swept.stderr));
            continue;
        };
        let (seed, _) = line.split_once(':').context("a failure names its seed")?;
        let seed = seed.parse().context("a seed is a number")?;
        let log = target.join("sim").join(application).join(format!("{seed}/choices"));
        let began = Instant::now();
        let shrunk = simulate(&simulator, target, &["shrink", &log.to_string_lossy()])?;
        let shrinking = began.elapsed();
        if !shrunk.status.success() {
            bail!("the choice log could not be shrunk: {}", printed(&shrunk.stderr));
        }
        let text = printed(&shrunk.stdout);
        let lines = text.lines().filter(|line| line.starts_with("  ")).count();
        let verdict = text.lines().find(|line| {
            ["crash: ", "invariant: ", "stuck: ", "leak: "]
                .iter()
                .any(|kind| line.starts_with(kind))
        });
        let verdict = verdict.unwrap_or_default().to_owned();
        let application = (*application).to_owned();
        return Ok(Some(Found { application, seed, lines, verdict, shrinking }));
    }
    Ok(None)
}

fn simulate(simulator: &Path, target: &Path, words: &[&str]) -> Result<Output> {
    let mut simulate = Command::new(simulator);
    simulate.env("CARGO_TARGET_DIR", target).args(words);
    simulate.output().with_context(|| command::cannot_start(&simulate))
}

fn printed(output: &[u8]) -> String {
    String::from_utf8_lossy(output).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bug_is_in_one_part() {
        for name in ["01-no-wake-for-room", "47-datagram-cut-silently", "69-file-cut"] {
            let parts = (0..PARTS).filter(|part| Which::Part(*part).includes(name)).count();
            assert_eq!(parts, 1, "{name}");
            assert!(Which::All.includes(name));
        }
        assert!(Which::Part(2).includes("47-datagram-cut-silently"));
        assert!(Which::Named("datagram").includes("47-datagram-cut-silently"));
        assert!(!Which::Named("filter").includes("47-datagram-cut-silently"));
    }

    #[test]
    fn a_patch_names_its_applications_or_all_applications_must_find_it() {
        let named = "A bug.\nIt is looked for with publisher.\n\ndiff --git a/b b/b\n";
        assert_eq!(applications(named), ["publisher"]);
        let two = "It is looked for with device and gateway.\n";
        assert_eq!(applications(two), ["device", "gateway"]);
        assert_eq!(applications("A bug.\n\ndiff --git a/b b/b\n"), APPLICATIONS);
    }

    #[test]
    fn planted_bugs_of_brokers_and_names_name_their_application() {
        let folder = workspace::root().join(BUGS);
        let named = folder.read_dir().unwrap().flatten().filter(|entry| {
            let text = fs::read_to_string(entry.path()).unwrap();
            applications(&text).len() == 1
        });
        assert!(named.count() >= 10);
    }
}
