//! Workload W5: the memory of an idle connection in a server. The workload also checks that 10,000 connections are
//! served at once.
//!
//! The server measures its memory in user space twice: when all connections are accepted and nothing was sent (cold),
//! and when one message has come back on each connection (warm). The memory of the operating system for a socket is not
//! measured, because this memory is the same for every server.

use anyhow::Result;

use super::{
    super::spread::{Spread, rounds},
    comparison::Comparison,
    contender::{SERVERS, Server},
    cores::check_descriptors,
    others::Others,
    session::{Load, Outcome},
};
use crate::{bench::Options, table::Table};

/// The number of connections that are open at once.
const CONNECTIONS: u64 = 10_000;

/// Measures the workload.
pub fn run(options: &Options) -> Result<Vec<Table>> {
    let comparison = Comparison::begin()?;
    let rounds_of = if options.quick { 1 } else { 3 };
    check_descriptors(comparison.descriptors, CONNECTIONS, 1)?;
    let fits = |server: &Server| {
        check_descriptors(comparison.descriptors, CONNECTIONS, server.descriptors)
            .map_err(|error| format!("{} is left out: {error}.", server.name))
    };
    let echoing = SERVERS.into_iter().filter(|server| server.echoes);
    let (servers, left_out): (Vec<Server>, Vec<Server>) = echoing.partition(|s| fits(s).is_ok());
    println!("{CONNECTIONS} connections: {} servers, {rounds_of} rounds ...", servers.len());
    let others = Others::watch();
    let load = Load::Idle { connections: CONNECTIONS };
    let results = rounds(&servers, rounds_of, |server| comparison.serve(server, load))?;
    let columns = "server | RSS, cold | heap, cold | RSS, warm | heap, warm | reserved before | \
                   a message on each, ms";
    let title = format!("Idle: bytes of user space for each of {CONNECTIONS} connections");
    let mut table = Table::new(title, columns);
    for (server, runs) in servers.iter().zip(&results) {
        let mut row = Vec::new();
        for (when, name) in [(0, "rss"), (0, "heap"), (1, "rss"), (1, "heap"), (0, "reserved")] {
            let values: Result<Vec<f64>> = runs.iter().map(|run| bytes(run, when, name)).collect();
            row.push(format!("{:.0}", Spread::of(values?).median()));
        }
        let millis = runs.iter().map(|run| run.wall / 1000.0);
        row.push(format!("{:.0}", Spread::of(millis).median()));
        table.row(server.name, row);
    }
    table.remark(format!("Rounds: {rounds_of}. {}", others.describe()));
    left_out.iter().filter_map(|server| fits(server).err()).for_each(|remark| table.remark(remark));
    Ok(vec![table])
}

/// Returns the memory that a server reported, per connection.
fn bytes(run: &Outcome, when: usize, name: &str) -> Result<f64> {
    Ok(run.memory[when].number(name)? / CONNECTIONS as f64)
}
