//! The command `picoevent-sim`, for any applications: a `main` hands over its trials.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use picoevent_sim::command;
//! # use picoevent_sim::world::Subject;
//! # fn my_trial() -> picoevent_sim::world::Trial<()> { unimplemented!() }
//!
//! fn main() -> ExitCode {
//!     command::main(&[&my_trial()])
//! }
//! ```
//!
//! It ends with status 0 when nothing failed, 2 for a command it does not understand, 1 when
//! something outside of the worlds went wrong, and else with the status of the worst verdict:
//! crash 10, invariant 11, stuck 12, leak 13; a world that does not repeat itself is 14.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::world::Subject;

mod line;
mod look;
mod play;
mod progress;
mod record;
mod run;

use line::{Command, CommandLine, Seeds};

/// Why the command ends otherwise than well.
enum End {
    /// The command line names what is not there.
    Usage(String),
    /// Something outside of the worlds went wrong.
    Trouble(String),
    /// A world failed; with this status.
    Failed(u8),
}

/// A world does not repeat itself.
const DIVERGED: u8 = 14;

/// Does what the program's command line says, with these applications.
pub fn main(subjects: &[&dyn Subject]) -> ExitCode {
    let command = match CommandLine::try_parse() {
        Ok(line) => line.command,
        Err(problem) => {
            // Where nothing can be written the status still says how it went.
            let _ = problem.print();
            return ExitCode::from(u8::try_from(problem.exit_code()).unwrap_or(2));
        }
    };
    match perform(command, subjects) {
        Ok(()) => ExitCode::SUCCESS,
        Err(End::Failed(status)) => ExitCode::from(status),
        Err(End::Usage(problem)) => {
            eprintln!("error: {problem}");
            ExitCode::from(2)
        }
        Err(End::Trouble(problem)) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn perform(command: Command, subjects: &[&dyn Subject]) -> Result<(), End> {
    match command {
        Command::List => subjects.iter().for_each(|subject| println!("{}", subject.name())),
        Command::Run(asked) => {
            let subject = find(&asked.application, subjects)?;
            match asked.seeds() {
                Seeds::One(seed) => run::seed(subject, seed, &asked)?,
                Seeds::Many(sweep) => run::sweep(subject, sweep, &asked)?,
            }
        }
        Command::Watch { application, seed, rt_ratio, scenario } => {
            run::watch(find(&application, subjects)?, seed, rt_ratio, scenario.as_deref())?;
        }
        Command::Replay { first, log: None, views, .. } => play::replay(&first, &views, subjects)?,
        Command::Replay { first, log: Some(log), cut_off, .. } => {
            record::replay(find(&first.to_string_lossy(), subjects)?, &log, cut_off)?;
        }
        Command::Read { log, cut_off } => record::read(&log, cut_off)?,
        Command::Shrink { tape } => play::shrink(&tape, subjects)?,
    }
    Ok(())
}

fn find<'s>(name: &str, subjects: &[&'s dyn Subject]) -> Result<&'s dyn Subject, End> {
    subjects.iter().copied().find(|subject| subject.name() == name).ok_or_else(|| {
        let known: Vec<_> = subjects.iter().map(|subject| subject.name()).collect();
        End::Usage(format!("there is no application {name:?}; known are {}", known.join(", ")))
    })
}

/// Where tapes and whatever else is left of a run go.
fn artefacts() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    PathBuf::from(target).join("sim")
}
