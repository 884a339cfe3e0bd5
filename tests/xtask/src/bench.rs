//! `cargo xtask bench`: compares the cost of picoevent with the cost of other event loops for the same work.
//!
//! ```text
//! bench ─▶ workloads in order ─▶ tables ─▶ shown, and docs/performance.md between markers
//!            chain  active  timers  …        table.rs
//! ```
//!
//! A contender is one of the compared event loops. All contenders run the same workload. The workload checks that all
//! work was done, and makes tables. If a contender has not done all of its work, the workload fails and reports no
//! figures. Times can be compared only within one run. Numbers of instructions can be compared between runs, even
//! months later.

pub mod active;
pub mod chain;
pub mod chip;
pub mod figures;
pub mod loops;
pub mod machine;
pub mod peers;
pub mod plot;
pub mod servers;
pub mod spread;
pub mod timers;

use std::time::Instant;

use anyhow::{Context, Result};

use crate::{generated, table::Table, workspace};
use machine::Machine;

/// One workload.
#[derive(Debug)]
pub struct Workload {
    /// The workload's name on the command line, for example `W1`.
    pub name: &'static str,
    /// A short description.
    pub about: &'static str,
    /// Measures the workload, and returns its tables.
    pub run: fn(&Options) -> Result<Vec<Table>>,
}

/// All workloads, in the order they are run.
pub static WORKLOADS: [Workload; 11] = [
    Workload { name: "W1", about: "tokens in a ring of descriptors", run: chain::run },
    Workload { name: "W1U", about: "events that activate themselves", run: active::run },
    Workload { name: "W2", about: "timers added, moved, cancelled, fired", run: timers::run },
    Workload { name: "W2i", about: "timers of a minute, restarted", run: timers::run_idle },
    Workload { name: "W3", about: "a server that greets and closes", run: servers::hello::run },
    Workload { name: "W4", about: "a server that echoes", run: servers::echo::run },
    Workload { name: "W5", about: "memory of idle connections", run: servers::idle::run },
    Workload { name: "W6", about: "size and start-up of a server", run: servers::start::run },
    Workload { name: "W7", about: "a proxy", run: servers::proxy::run },
    Workload { name: "W8", about: "an HTTP server", run: servers::http::run },
    Workload {
        name: chip::NAME,
        about: "instructions on an emulated microcontroller",
        run: chip::run,
    },
];

/// The options of the command.
#[derive(Debug, Clone, Default, PartialEq, clap::Args)]
pub struct Options {
    /// The workloads, by default all
    #[arg(value_parser = Workload::name_of)]
    pub workloads: Vec<&'static str>,
    /// Run fewer sizes, contenders and rounds
    #[arg(long)]
    pub quick: bool,
}

impl Options {
    /// Returns the requested workloads, in the order of [`WORKLOADS`].
    pub fn wanted(&self) -> Vec<&'static Workload> {
        let is_wanted = |workload: &&Workload| {
            self.workloads.is_empty() || self.workloads.contains(&workload.name)
        };
        WORKLOADS.iter().filter(is_wanted).collect()
    }
}

impl Workload {
    /// Finds a workload by its name, in upper or lower case. Returns the name.
    fn name_of(typed: &str) -> Result<&'static str> {
        let mut names = WORKLOADS.iter().map(|workload| workload.name);
        names.find(|name| name.eq_ignore_ascii_case(typed)).with_context(|| {
            let known = WORKLOADS.each_ref().map(|workload| workload.name).join(", ");
            format!("there is no workload {typed:?}: known are {known}")
        })
    }
}

/// Measures the requested workloads, prints each table, and writes the table into `docs/performance.md`.
///
/// # Errors
/// If something cannot be built, or a workload did not do all of its work.
pub fn run(options: &Options) -> Result<()> {
    // The workload `chip` does not use the other event loops.
    let workloads = options.wanted();
    if workloads.iter().any(|workload| workload.name != chip::NAME) {
        peers::install()?;
    }
    let machine = Machine::here();
    println!("{machine}");
    let document = workspace::root().join("docs/performance.md");
    let mut took = Vec::new();
    for workload in workloads {
        println!("\n=== {}: {} ===", workload.name, workload.about);
        let start = Instant::now();
        let tables = (workload.run)(options).context(workload.name)?;
        for table in &tables {
            println!("\n{table}");
        }
        let content = section(&machine, options, &tables);
        generated::write_section(&document, &format!("bench {}", workload.name), &content)?;
        took.push((workload.name, start.elapsed()));
    }
    println!("\n=== written into docs/performance.md ===");
    for (name, took) in took {
        println!("{name:<4} {:>6.1} s", took.as_secs_f64());
    }
    Ok(())
}

/// Returns the section for `docs/performance.md` with the results of one workload: the machine, and the tables.
fn section(machine: &Machine, options: &Options, tables: &[Table]) -> String {
    let length = if options.quick { "a quick run" } else { "a full run" };
    let tables: Vec<_> = tables.iter().map(Table::markdown).collect();
    format!("*Measured by {length} on {machine}.*\n\n{}", tables.join("\n"))
}
