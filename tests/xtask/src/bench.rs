//! `cargo xtask bench`: what picoevent costs, beside other event loops that do the same work.
//!
//! ```text
//! bench ─▶ workloads in order ─▶ tables ─▶ shown, and docs/performance.md between marks
//!            chain  active  timers  …        table.rs
//! ```
//!
//! A workload is a definition that every contestant follows, verifies that the work was done, and
//! comes to tables. It fails rather than report a run that lost something. Times are for reading
//! and for ratios between contestants of one run; what is compared over months is instructions.

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

use crate::{marks, table::Table, workspace};
use machine::Machine;

/// One workload.
#[derive(Debug)]
pub struct Workload {
    /// Its name, as typed: `W1`.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// Measures it.
    pub run: fn(&Options) -> Result<Vec<Table>>,
}

/// All workloads, in the order they are run.
pub static WORKLOADS: [Workload; 9] = [
    Workload { name: "W1", about: "tokens in a ring of descriptors", run: chain::run },
    Workload { name: "W1U", about: "events that activate themselves", run: active::run },
    Workload { name: "W2", about: "timers added, moved, cancelled, fired", run: timers::run },
    Workload { name: "W2i", about: "timers of a minute, begun again", run: timers::run_idle },
    Workload { name: "W3", about: "a server that greets and closes", run: servers::hello::run },
    Workload { name: "W4", about: "a server that sends back", run: servers::echo::run },
    Workload { name: "W5", about: "memory of idle connections", run: servers::idle::run },
    Workload { name: "W6", about: "size and start-up of a server", run: servers::start::run },
    Workload {
        name: chip::NAME,
        about: "instructions on an emulated microcontroller",
        run: chip::run,
    },
];

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, clap::Args)]
pub struct Options {
    /// The workloads, by default all
    #[arg(value_parser = Workload::name_of)]
    pub workloads: Vec<&'static str>,
    /// Run fewer sizes, contestants and rounds
    #[arg(long)]
    pub quick: bool,
}

impl Options {
    /// Returns the workloads asked for, in the order of [`WORKLOADS`].
    pub fn wanted(&self) -> Vec<&'static Workload> {
        let is_wanted = |workload: &&Workload| {
            self.workloads.is_empty() || self.workloads.contains(&workload.name)
        };
        WORKLOADS.iter().filter(is_wanted).collect()
    }
}

impl Workload {
    /// Finds a workload by what was typed, in capitals or not, and returns its name.
    fn name_of(typed: &str) -> Result<&'static str> {
        let mut names = WORKLOADS.iter().map(|workload| workload.name);
        names.find(|name| name.eq_ignore_ascii_case(typed)).with_context(|| {
            let known = WORKLOADS.each_ref().map(|workload| workload.name).join(", ");
            format!("there is no workload {typed:?}: known are {known}")
        })
    }
}

/// Measures what is asked for, shows each table, and puts it into the document.
///
/// # Errors
/// When something cannot be built, or a workload did not do all of its work.
pub fn run(options: &Options) -> Result<()> {
    // What the chip's programs are held against comes with cargo.
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
        marks::write_down(&document, &format!("bench {}", workload.name), &content)?;
        took.push((workload.name, start.elapsed()));
    }
    println!("\n=== written into docs/performance.md ===");
    for (name, took) in took {
        println!("{name:<4} {:>6.1} s", took.as_secs_f64());
    }
    Ok(())
}

/// What stands in the document: where it was measured, and the tables.
fn section(machine: &Machine, options: &Options, tables: &[Table]) -> String {
    let length = if options.quick { "a quick run" } else { "a full run" };
    let tables: Vec<_> = tables.iter().map(Table::markdown).collect();
    format!("*Measured by {length} on {machine}.*\n\n{}", tables.join("\n"))
}
