//! The oracle: runs random programs on libevent and on picoevent, and compares the traces.
//!
//! ```text
//!  seed ─▶ program ─┬─▶ libevent, a process ──▶ trace ══ the model at libevent's side
//!                   └─▶ picoevent ────────────▶ trace ══ the model at our side
//! ```
//!
//! The model has a switch for each intended difference between libevent and picoevent. libevent's side is the setting
//! of all switches for libevent's behaviour, and our side is the setting for picoevent's behaviour. [`differences`]
//! lists the switches. `cargo xtask oracle` builds and runs everything.

mod compare;
mod core_runner;
mod differences;
mod example;
mod generate;
mod libevent_runner;
mod model;
mod program;
mod random;
mod session;
mod shrink;
mod world;

use std::{fs, num::NonZero, ops::Range, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::Parser;

use generate::Kind;
use program::Program;
use session::Session;

/// Runs random programs on libevent and on picoevent, and compares their traces.
#[derive(Parser)]
struct Args {
    /// The program that runs programs on libevent
    #[arg(long)]
    libevent_runner: PathBuf,
    /// The folder of programs that run first
    #[arg(long)]
    programs: Option<PathBuf>,
    /// Replace the files with the shortest program for each difference
    #[arg(long, requires = "programs")]
    write_programs: bool,
    /// The seeds of the programs, as A..B; the seed B is not included
    #[arg(long, value_parser = read_range, default_value = "0..20000")]
    seeds: Range<u64>,
    /// Run programs of this kind only
    #[arg(long)]
    kind: Option<Kind>,
    /// The number of threads
    #[arg(long, default_value = "1")]
    jobs: NonZero<usize>,
    /// Show the program of the first seed in full
    #[arg(long)]
    show: bool,
    /// Show the program in this file in full
    file: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool> {
    let args = Args::parse();
    compare::catch_panics();
    if let (true, Some(folder)) = (args.write_programs, &args.programs) {
        example::write(&mut compare::Comparator::start(&args.libevent_runner)?, folder)?;
        return Ok(true);
    }
    let session = Session {
        programs: args.programs.as_deref(),
        libevent_runner: &args.libevent_runner,
        kinds: args.kind.map_or(Kind::ALL.to_vec(), |kind| vec![kind]),
        seeds: args.seeds.clone(),
        jobs: args.jobs.get(),
    };
    if let Some(file) = &args.file {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let program: Program = text.parse()?;
        return session.show(&program);
    }
    if args.show {
        let kind = args.kind.unwrap_or(Kind::Events);
        return session.show(&generate::generate(kind, args.seeds.start));
    }
    session.run()
}

/// Reads `A..B`.
fn read_range(text: &str) -> Result<Range<u64>> {
    let (start, end) =
        text.split_once("..").context("give the seeds as A..B, for example 0..1000")?;
    Ok(start.parse()?..end.parse()?)
}
