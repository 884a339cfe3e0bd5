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
pub mod table;
pub mod timers;

use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::{marks, workspace};
use machine::Machine;
use table::Table;

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
pub const WORKLOADS: [Workload; 9] = [
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The names of the workloads, of [`WORKLOADS`] and in their order.
    pub workloads: Vec<&'static str>,
    /// A short run: fewer sizes, contestants and rounds.
    pub quick: bool,
}

impl Options {
    /// Reads the names of workloads; none are all.
    ///
    /// # Errors
    /// A sentence that names the word that is no workload, and those there are.
    pub fn new(names: &[&str], quick: bool) -> Result<Self> {
        for name in names {
            if !WORKLOADS.iter().any(|workload| workload.is_called(name)) {
                let known: Vec<_> = WORKLOADS.iter().map(|workload| workload.name).collect();
                bail!("there is no workload {name:?}: known are {}", known.join(", "));
            }
        }
        let wanted = |workload: &&Workload| {
            names.is_empty() || names.iter().any(|name| workload.is_called(name))
        };
        let workloads = WORKLOADS.iter().filter(wanted).map(|workload| workload.name).collect();
        Ok(Self { workloads, quick })
    }
}

impl Workload {
    fn is_called(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// Measures what is asked for, shows each table, and puts it into the document.
///
/// # Errors
/// When something can not be built, or a workload did not do all of its work.
pub fn run(options: &Options) -> Result<()> {
    // What the chip's programs are held against comes with cargo.
    if options.workloads.iter().any(|&name| name != chip::NAME) {
        peers::install()?;
    }
    let machine = Machine::here();
    println!("{machine}");
    let document = workspace::root().join("docs/performance.md");
    let mut took = Vec::new();
    for workload in WORKLOADS.iter().filter(|each| options.workloads.contains(&each.name)) {
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
