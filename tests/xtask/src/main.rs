//! `cargo xtask`: see the library for what each command does.

use std::{env, process::ExitCode};

use anyhow::Result;
use xtask::{
    bench, check,
    command_line::{self, HELP, Invocation, Usage},
    count, emulate, flash, gate, mutants, oracle, setup, size,
};

fn main() -> ExitCode {
    match run() {
        Ok(status) => ExitCode::from(u8::try_from(status).unwrap_or(1)),
        Err(error) if error.is::<Usage>() => {
            eprintln!("error: {error} (cargo xtask --help lists what there is)");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Does what was asked and returns the status to end with.
fn run() -> Result<i32> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    if arguments.is_empty() {
        eprint!("{HELP}");
        return Ok(2);
    }
    match command_line::parse(arguments)? {
        Invocation::Help => print!("{HELP}"),
        Invocation::Setup => drop(setup::run()?),
        Invocation::Test => check::run()?,
        Invocation::Qemu { example, machine, port, cable } => {
            return emulate::run(&example, machine, port, &cable);
        }
        Invocation::Flash { example, board } => flash::run(&example, &board)?,
        Invocation::Bench(options) => bench::run(&options)?,
        Invocation::Count => count::run()?,
        Invocation::Gate(task) => gate::run(task)?,
        Invocation::Oracle(task) => return oracle::run(&task),
        Invocation::Size(format) => size::run(format)?,
        Invocation::Mutants(only) => return mutants::run(only.as_deref()),
    }
    Ok(0)
}
