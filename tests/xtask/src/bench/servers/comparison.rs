//! Measures all servers with the same load, round by round, and makes a table.
//!
//! ```text
//!   round 1   libev    mio       picoevent  …     in random order, each server in a new process
//!   round 2   mio      libevent  libev      …
//!   a column  the median of the rounds [the least–the most]
//!   a ratio   the median of the rounds' ratios
//! ```

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::{
    super::spread::{Spread, ratio, rounds},
    contender::{Built, CONNECTIONS, LIBEVENT, SOURCES_ROW, Server},
    cores::{self, Cores},
    others::Others,
    session::{self, Load, Outcome, Tool},
    tally,
};
use crate::{setup, table::Table};

/// Two loads that differ only in their number of operations. The name is appended to headings.
pub struct Lengths {
    name: &'static str,
    loads: [(Load, u64); 2],
}

impl Lengths {
    /// Returns a load with `less` operations and a load with `more` operations.
    pub fn of(name: &'static str, load: impl Fn(u64) -> Load, less: u64, more: u64) -> Self {
        Self { name, loads: [(load(less), less), (load(more), more)] }
    }
}

/// The programs and resources for measuring servers.
pub struct Comparison {
    /// The servers' programs.
    pub built: Built,
    /// The clients' program.
    pub clients: PathBuf,
    /// The processors.
    pub cores: Cores,
    /// The limit on descriptors of each process.
    pub descriptors: u64,
}

impl Comparison {
    /// Builds all programs.
    pub fn begin() -> Result<Self> {
        setup::tool("strace")?;
        let built = Built::all()?;
        let (clients, cores) = (built.load()?, Cores::find()?);
        let descriptors = cores::raise_descriptors()?;
        Ok(Self { built, clients, cores, descriptors })
    }

    /// Runs one server with one load.
    pub fn serve(&self, server: &Server, load: Load) -> Result<Outcome> {
        let program = self.built.program(server)?;
        let outcome = session::run(&program, &self.clients, load, &Tool::None, self.cores);
        outcome.with_context(|| format!("{} under {load:?}", server.name))
    }

    /// Measures servers with a load. `what` is the name of one operation.
    pub fn measure(
        &self,
        title: &str,
        what: &str,
        servers: &[Server],
        load: Load,
        rounds_of: usize,
        lengths: &[Lengths],
    ) -> Result<Table> {
        let others = Others::watch();
        println!("{title}: {} servers, {rounds_of} rounds ...", servers.len());
        let results = rounds(servers, rounds_of, |server| self.serve(server, load))?;
        let remark = others.describe();
        let costs: Vec<Vec<f64>> = results.iter().map(|runs| each(runs, cost)).collect();
        // Three significant digits.
        let digits = if costs.iter().flatten().any(|cost| *cost >= 100.0) { 0 } else { 2 };
        let find = |name| servers.iter().position(|server| server.name == name);
        let mut columns = format!(
            "server | CPU µs / {what} | × libevent | connections ÷ this | sources ÷ this | {what} / s | \
             p50 µs | p99 µs | server idle % | generator busy %"
        );
        for Lengths { name, .. } in lengths {
            columns += &format!(" | instructions{name} | system calls{name}");
        }
        let mut table = Table::new(title, &columns);
        for ((server, runs), own) in servers.iter().zip(&results).zip(&costs) {
            let to = |name| find(name).map(|other| ratio(own, &costs[other]));
            let of = |name| find(name).map(|other| ratio(&costs[other], own));
            let median = |of: fn(&Outcome) -> f64| Spread::of(each(runs, of)).median();
            let mut row = vec![
                Spread::of(own.iter().copied()).show(digits),
                show(to(LIBEVENT)),
                show(of(CONNECTIONS)),
                show(of(SOURCES_ROW)),
                format!("{:.0}", median(|run| run.operations / run.wall * 1e6)),
                format!("{:.0}", median(|run| run.p50)),
                format!("{:.0}", median(|run| run.p99)),
                format!("{:.0}", median(|run| (100.0 - run.cpu / run.wall * 100.0).max(0.0))),
                format!("{:.0}", median(|run| run.load_cpu / run.wall * 100.0)),
            ];
            row.extend(self.tally(server, lengths)?);
            table.row(server.name, row);
        }
        table.remark(format!("Rounds: {rounds_of}. {} {remark}", self.cores.describe()));
        Ok(table)
    }

    fn tally(&self, server: &Server, lengths: &[Lengths]) -> Result<Vec<String>> {
        let program = self.built.program(server)?;
        let mut cells = Vec::new();
        for Lengths { name, loads } in lengths {
            let failed = || format!("{}{name}", server.name);
            let (clients, cores) = (&self.clients, self.cores);
            let count = tally::instructions(&program, clients, *loads, cores);
            cells.push(format!("{:.0}", count.with_context(failed)?));
            let calls = tally::system_calls(&program, clients, *loads, cores);
            cells.push(format!("{:.2}", calls.with_context(failed)?));
        }
        Ok(cells)
    }
}

fn cost(outcome: &Outcome) -> f64 {
    outcome.cpu / outcome.operations
}

fn each(runs: &[Outcome], of: fn(&Outcome) -> f64) -> Vec<f64> {
    runs.iter().map(of).collect()
}

fn show(ratio: Option<Spread>) -> String {
    ratio.map_or("–".to_owned(), |ratio| format!("{:.2}", ratio.median()))
}
