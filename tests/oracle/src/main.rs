//! The oracle: plays random programs on libevent and on picoevent, and compares the traces.
//!
//! ```text
//!  seed ─▶ program ─┬─▶ libevent, a process ──▶ trace ══ the model at libevent's side
//!                   └─▶ picoevent ────────────▶ trace ══ the model at our side
//! ```
//!
//! The list in [`differences`] gives the reason wherever the two sides of the model differ. `cargo
//! xtask oracle` builds and runs everything.

mod compare;
mod differences;
mod example;
mod generate;
mod libevent;
mod model;
mod play;
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

/// Plays random programs on libevent and on picoevent, and compares their traces.
#[derive(Parser)]
struct Asked {
    /// The player of libevent
    #[arg(long)]
    player: PathBuf,
    /// The folder of programs that are played first
    #[arg(long)]
    programs: Option<PathBuf>,
    /// Write the programs of the differences again
    #[arg(long, requires = "programs")]
    write_programs: bool,
    /// The seeds of the programs
    #[arg(long, value_parser = read_range, default_value = "0..20000")]
    seeds: Range<u64>,
    /// Play programs of this kind only
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
    let asked = Asked::parse();
    compare::catch_panics();
    if let (true, Some(folder)) = (asked.write_programs, &asked.programs) {
        example::write(&mut compare::Pair::start(&asked.player)?, folder)?;
        return Ok(true);
    }
    let session = Session {
        programs: asked.programs.as_deref(),
        player: &asked.player,
        kinds: asked.kind.map_or(Kind::ALL.to_vec(), |kind| vec![kind]),
        seeds: asked.seeds.clone(),
        jobs: asked.jobs.get(),
    };
    if let Some(file) = &asked.file {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let program: Program = text.parse()?;
        return session.show(&program);
    }
    if asked.show {
        let kind = asked.kind.unwrap_or(Kind::Events);
        return session.show(&generate::generate(kind, asked.seeds.start));
    }
    session.run()
}

/// Reads `A..B`.
fn read_range(text: &str) -> Result<Range<u64>> {
    let (start, end) = text.split_once("..").context("seeds are given as A..B")?;
    Ok(start.parse()?..end.parse()?)
}
