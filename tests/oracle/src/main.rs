//! The oracle: random programs, played on libevent and on picoevent, must come to the same.
//!
//! ```text
//!  seed ─▶ program ─┬─▶ libevent, by a process ──▶ trace ══ the model at libevent's side
//!                   └─▶ picoevent ───────────────▶ trace ══ the model at ours
//! ```
//!
//! Where the two sides of the model differ, the list in [`differences`] says why. `cargo xtask
//! oracle` builds and runs all of it.

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

use std::{fs, ops::Range, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use lexopt::{
    Arg::{Long, Value},
    Parser, ValueExt,
};

use program::Program;
use session::Session;

/// What the command line asks for.
struct Asked {
    /// The player of libevent.
    player: PathBuf,
    /// The programs that are kept in files.
    programs: Option<PathBuf>,
    /// Write those of the differences anew.
    write: bool,
    seeds: Range<u64>,
    jobs: usize,
    /// Show one program in full instead: from this file, or of the first seed.
    show: bool,
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
    let asked = read_arguments()?;
    compare::catch_panics();
    if asked.write {
        let folder = asked.programs.as_ref().context("--programs says where to write them")?;
        example::write(&mut compare::Pair::start(&asked.player)?, folder)?;
        return Ok(true);
    }
    let session = Session {
        programs: asked.programs.as_deref(),
        player: &asked.player,
        seeds: asked.seeds.clone(),
        jobs: asked.jobs,
    };
    if let Some(file) = &asked.file {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let program: Program = text.parse()?;
        return session.show(&program);
    }
    if asked.show {
        return session.show(&generate::generate(asked.seeds.start));
    }
    session.run()
}

fn read_arguments() -> Result<Asked> {
    let mut parser = Parser::from_env();
    let mut asked = Asked {
        player: PathBuf::new(),
        programs: None,
        write: false,
        seeds: 0..20_000,
        jobs: 1,
        show: false,
        file: None,
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Long("player") => asked.player = parser.value()?.into(),
            Long("programs") => asked.programs = Some(parser.value()?.into()),
            Long("write-programs") => asked.write = true,
            Long("seeds") => asked.seeds = read_range(&parser.value()?.string()?)?,
            Long("jobs") => asked.jobs = parser.value()?.parse::<usize>()?.max(1),
            Long("show") => asked.show = true,
            Value(file) => asked.file = Some(file.into()),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(asked)
}

/// Reads `A..B`.
fn read_range(text: &str) -> Result<Range<u64>> {
    let (start, end) = text.split_once("..").context("seeds are given as A..B")?;
    Ok(start.parse()?..end.parse()?)
}
