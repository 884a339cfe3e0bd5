//! The program `cargo xtask`. The library documents each command.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use xtask::{
    bench, check,
    command_line::{Command, CommandLine, Usage},
    count, emulate, flash, gate, interop, lines, memory, mutants, oracle, setup, size, soak,
};

fn main() -> ExitCode {
    // If the command line is wrong, `parse` ends the process with status 2.
    match run(CommandLine::parse().command) {
        Ok(status) => ExitCode::from(u8::try_from(status).unwrap_or(1)),
        Err(error) if error.is::<Usage>() => {
            eprintln!("error: {error} (`cargo xtask --help` lists the commands)");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the command. Returns the exit status.
fn run(command: Command) -> Result<i32> {
    match command {
        Command::Setup => drop(setup::run()?),
        Command::Test { only } => check::run(only)?,
        Command::Qemu { example, machine, port, cable } => {
            return emulate::run(&example, machine, port, &cable);
        }
        Command::Flash { example, board } => flash::run(&example, &board)?,
        Command::Bench(options) => bench::run(&options)?,
        Command::Memory(options) => memory::run(&options)?,
        Command::Lines => lines::run()?,
        Command::Count => count::run()?,
        Command::Gate { record: false } => gate::run(gate::Task::Compare)?,
        Command::Gate { record: true } => gate::run(gate::Task::Record)?,
        Command::Oracle(options) => return oracle::run(&options),
        Command::Size(options) => size::run(&options)?,
        Command::Soak(options) => soak::run(&options)?,
        Command::Interop(options) => interop::run(&options)?,
        Command::Mutants { name } => {
            return mutants::run(
                name.as_deref().map_or(mutants::Which::All, mutants::Which::Named),
            );
        }
    }
    Ok(0)
}
