//! The command `picoevent-sim` for any applications. A program makes test cases of its applications, and passes them to
//! [`main`].
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use picoevent_sim::command;
//! # use picoevent_sim::world::AnyTestCase;
//! # fn my_case() -> picoevent_sim::world::TestCase<()> { unimplemented!() }
//!
//! fn main() -> ExitCode {
//!     command::main(&[&my_case()])
//! }
//! ```
//!
//! The command's exit status is 0 if nothing failed, 2 if the command line is not valid, and 1 if an error occurred
//! outside of the simulations. If a simulation failed, the status is that of the worst verdict: crash 10, invariant 11,
//! stuck 12, leak 13. If only the second run of a simulation differs from the first run, the status is 14.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::OnceLock;

use clap::Parser;

use crate::world::AnyTestCase;

mod line;
mod merge;
mod play;
mod progress;
mod record;
mod run;
mod shard;
mod views;

use line::{Command, CommandLine, Seeds};

/// The command with which the program was started.
static PROGRAM: OnceLock<String> = OnceLock::new();

/// Returns the command with which the program was started.
fn program() -> &'static str {
    PROGRAM.get().map_or("picoevent-sim", String::as_str)
}

/// The reason why the command's exit status is not 0.
enum End {
    /// The command line names something that does not exist.
    Usage(String),
    /// An error occurred outside of the simulations.
    Error(String),
    /// A simulation failed. The value is the exit status.
    Failed(u8),
}

/// The exit status if a simulation's second run differs from its first.
const DIVERGED: u8 = 14;

/// Runs the program's command line with these applications.
///
/// The output contains commands for the user to run. These commands begin with the path from which the program was
/// started.
pub fn main(cases: &[&dyn AnyTestCase]) -> ExitCode {
    let program = std::env::args_os().next().unwrap_or_else(|| "picoevent-sim".into());
    main_as(&program.to_string_lossy(), cases)
}

/// Like [`main`], for a program that is not started by its path, for example by an alias of Cargo. `program` is the
/// command that starts the program.
pub fn main_as(program: &str, cases: &[&dyn AnyTestCase]) -> ExitCode {
    // A process has only one command line. So if `PROGRAM` is already set, it has the same value.
    let _ = PROGRAM.set(program.to_owned());
    let command = match CommandLine::try_parse() {
        Ok(line) => line.command,
        Err(problem) => {
            // If the message cannot be printed, the exit status still shows the error.
            let _ = problem.print();
            return ExitCode::from(u8::try_from(problem.exit_code()).unwrap_or(2));
        }
    };
    match perform(command, cases) {
        Ok(()) => ExitCode::SUCCESS,
        Err(End::Failed(status)) => ExitCode::from(status),
        Err(End::Usage(problem)) => print_error(2, &problem),
        Err(End::Error(problem)) => print_error(1, &problem),
    }
}

fn print_error(status: u8, problem: &str) -> ExitCode {
    eprintln!("error: {problem}");
    ExitCode::from(status)
}

fn perform(command: Command, cases: &[&dyn AnyTestCase]) -> Result<(), End> {
    match command {
        Command::Merge { reports } => merge::merge(&reports)?,
        Command::List => cases.iter().for_each(|case| println!("{}", case.name())),
        Command::Run(arguments) => {
            let case = find(&arguments.application, cases)?;
            match arguments.seeds() {
                Seeds::One(seed) => run::seed(case, seed, &arguments)?,
                Seeds::Many(sweep) => run::sweep(case, sweep, &arguments)?,
            }
        }
        Command::Watch { application, seed, rt_ratio, scenario } => {
            run::watch(find(&application, cases)?, seed, rt_ratio, scenario.as_deref())?;
        }
        Command::Replay { first, log: None, views, .. } => play::replay(&first, &views, cases)?,
        Command::Replay { first, log: Some(log), cut_off, .. } => {
            record::replay(find(&first.to_string_lossy(), cases)?, &log, cut_off)?;
        }
        Command::Read { log, cut_off } => record::read(&log, cut_off)?,
        Command::Shrink { choices } => play::shrink(&choices, cases)?,
    }
    Ok(())
}

fn find<'s>(name: &str, cases: &[&'s dyn AnyTestCase]) -> Result<&'s dyn AnyTestCase, End> {
    cases.iter().copied().find(|case| case.name() == name).ok_or_else(|| {
        let known: Vec<_> = cases.iter().map(|case| case.name()).collect();
        End::Usage(format!("there is no application {name:?}; known are {}", known.join(", ")))
    })
}

/// Returns the folder for choice logs and other artefacts.
fn artefacts() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    PathBuf::from(target).join("sim")
}
