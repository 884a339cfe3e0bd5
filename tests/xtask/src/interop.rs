//! `cargo xtask interop`: tests the protocols with third-party programs on this machine.
//!
//! The test of each program is in a file in `interop`. The file contains the names of the Debian packages that the test
//! needs. Packages of npm and PyPI are installed into a folder under `target`. The programs communicate over loopback,
//! on ports that the system chooses. Each program has a time limit. `docs/interop.md` contains the results.

mod ab;
mod autocannon;
mod chromium;
mod curl;
mod environment;
mod h2load;
mod nmap;
mod protocols;
mod servers;
mod siege;
mod slowhttptest;
mod websockets;
mod wrk;
mod ws;

use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::setup;
use environment::Environment;

/// A third-party program, and its test.
struct Program {
    name: &'static str,
    /// The programs that the test needs, each with the Debian package that contains the program.
    needs: &'static [(&'static str, &'static str)],
    /// Runs the test. Returns a short description of the result.
    run: fn(&Environment) -> Result<String>,
}

const PROGRAMS: [Program; 16] = [
    protocols::NAMES,
    protocols::TIME,
    protocols::MQTT,
    curl::CURL,
    ab::AB,
    wrk::WRK,
    siege::SIEGE,
    h2load::H2LOAD,
    autocannon::AUTOCANNON,
    nmap::NMAP,
    slowhttptest::SLOWHTTPTEST,
    ws::WS,
    websockets::WEBSOCKETS,
    chromium::CHROMIUM,
    servers::NGINX,
    servers::LIGHTTPD,
];

/// The options of the command.
#[derive(Debug, Default, Clone, PartialEq, Eq, clap::Args)]
pub struct Options {
    /// The programs, by default all
    #[arg(value_parser = PROGRAMS.map(|program| program.name))]
    pub programs: Vec<String>,
}

/// Runs the programs, one after the other.
///
/// # Errors
/// If a program fails or cannot be installed. The other programs still run.
pub fn run(options: &Options) -> Result<()> {
    let is_wanted = |program: &&Program| {
        options.programs.is_empty() || options.programs.iter().any(|name| name == program.name)
    };
    let environment = Environment::new()?;
    let mut lines = Vec::new();
    let mut failed = Vec::new();
    for program in PROGRAMS.iter().filter(is_wanted) {
        println!("{}:", program.name);
        let began = Instant::now();
        let tried = setup::programs(program.needs).and_then(|()| (program.run)(&environment));
        let seconds = began.elapsed().as_secs();
        match tried.with_context(|| program.name) {
            Ok(output) => lines.push(format!("| {} | {output} | {seconds} s |", program.name)),
            Err(error) => {
                println!("FAILED {error:#}");
                failed.push(program.name);
            }
        }
    }
    println!("\n| program | result | time |\n|---|---|---:|\n{}", lines.join("\n"));
    ensure!(failed.is_empty(), "these failed: {}", failed.join(", "));
    Ok(())
}
