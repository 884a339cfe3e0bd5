//! `cargo xtask oracle`: runs random programs on libevent and on picoevent.
//!
//! One runner runs programs on libevent, and the other runner runs programs on picoevent. This command builds both
//! runners, and runs the requested programs. The runner for libevent is in C. `tests/oracle` generates the programs and
//! compares the traces.
//! See `docs/oracle.md`.

mod bugs;

use std::{
    env,
    ops::Range,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use anyhow::{Context, Result, ensure};

use crate::{command, command_line, setup, workspace};

/// The number of programs of each kind that `cargo xtask test` runs.
pub const PROGRAMS_IN_A_TEST: u64 = 20_000;

/// The folder of the patches that plant bugs.
pub const BUGS: &str = "tests/oracle/bugs";

/// The kinds of programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Programs for the event core.
    Events,
    /// Programs for connections, compared with bufferevents.
    Conns,
    /// Programs for pairs of connections in memory, compared with `bufferevent_pair_new`.
    Pairs,
}

/// The options: a range of seeds, `--show`, or `--bugs`.
#[derive(Debug, PartialEq, Eq, clap::Args)]
pub struct Options {
    /// Run the programs of these seeds
    #[arg(long, value_name = "A..B", value_parser = command_line::seeds)]
    #[arg(default_value = "0..20000")]
    pub seeds: Range<u64>,
    /// Run only programs of this kind
    #[arg(long, conflicts_with = "bugs")]
    pub kind: Option<Kind>,
    /// Number of threads, by default one per processor core
    #[arg(long)]
    pub jobs: Option<usize>,
    /// Show one program in full: the program of this seed, or the program in this file
    #[arg(long, value_name = "SEED or FILE", conflicts_with_all = ["seeds", "jobs", "bugs"])]
    pub show: Option<String>,
    /// Check that the oracle finds bugs that are planted in the core
    #[arg(long, conflicts_with_all = ["seeds", "jobs"])]
    pub bugs: bool,
}

/// Runs the command. Returns the exit status.
pub fn run(options: &Options) -> Result<i32> {
    setup::libevent()?;
    let root = workspace::root();
    let libevent_runner = libevent_runner(&root)?;
    if options.bugs {
        return bugs::run(&libevent_runner);
    }
    let mut cargo = command::cargo(&root);
    cargo.args(["run", "--quiet", "--profile", "oracle", "--package", "picoevent-oracle", "--"]);
    cargo
        .arg("--libevent-runner")
        .arg(&libevent_runner)
        .arg("--programs")
        .arg("tests/oracle/programs");
    if let Some(kind) = options.kind {
        cargo.arg("--kind").arg(match kind {
            Kind::Events => "events",
            Kind::Conns => "conns",
            Kind::Pairs => "pairs",
        });
    }
    if let Some(which) = &options.show {
        match which.parse::<u64>() {
            Ok(seed) => cargo.arg("--show").arg("--seeds").arg(format!("{seed}..{}", seed + 1)),
            Err(_) => cargo.arg(env::current_dir()?.join(which)),
        };
    } else {
        let Range { start, end } = options.seeds;
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        cargo.arg("--seeds").arg(format!("{start}..{end}"));
        cargo.arg("--jobs").arg(options.jobs.unwrap_or_else(cores).to_string());
    }
    println!("$ {}", command::describe(&cargo));
    let status = cargo.status().with_context(|| command::cannot_start(&cargo))?;
    Ok(status.code().unwrap_or(1))
}

/// Runs the programs of `cargo xtask test`. The commit determines the seeds of the programs.
///
/// # Errors
/// If picoevent's trace of one of these programs is wrong.
pub fn check() -> Result<()> {
    let start = seed_of_commit()?;
    for (kind, name) in [(Kind::Events, "events"), (Kind::Conns, "conns"), (Kind::Pairs, "pairs")] {
        let seeds = start..start + PROGRAMS_IN_A_TEST;
        let options = Options { seeds, kind: Some(kind), jobs: None, show: None, bugs: false };
        let end = start + PROGRAMS_IN_A_TEST;
        let line = format!("cargo xtask oracle --kind {name} --seeds {start}..{end}");
        ensure!(run(&options)? == 0, "this failed:\n  {line}");
    }
    Ok(())
}

/// Returns a number that depends only on the commit.
fn seed_of_commit() -> Result<u64> {
    let mut git = Command::new("git");
    git.current_dir(workspace::root()).args(["rev-parse", "HEAD"]);
    let commit = command::output(&mut git).context("the commit's name gives the seeds")?;
    let digits = commit.get(..8).context("git names no commit")?;
    u64::from_str_radix(digits, 16).with_context(|| format!("{digits} is not a commit hash"))
}

/// The sources of the libevent runner, in C.
const SOURCES: [&str; 7] =
    ["program.c", "world.c", "socket.c", "run.c", "step.c", "watch.c", "conn.c"];

/// Compiles the libevent runner. Returns the path of the runner.
fn libevent_runner(root: &Path) -> Result<PathBuf> {
    let folder = workspace::target().join("oracle-libevent");
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let runner = folder.join("libevent-runner");
    let mut cc = Command::new("cc");
    cc.current_dir(root)
        .args(["-O2", "-Wall", "-Wextra", "-Werror", "-rdynamic", "-o"])
        .arg(&runner);
    for file in SOURCES {
        cc.arg(Path::new("tests/oracle/libevent").join(file));
    }
    command::run(cc.arg("-levent_core"))?;
    Ok(runner)
}
