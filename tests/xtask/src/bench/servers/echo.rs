//! Workload W4: an echo server, with small messages on many connections, with small messages on one connection, and
//! with blocks of a mebibyte.
//!
//! Clients check every byte that comes back. Each connection always has one message in transit, so the
//! server is always busy.

use anyhow::Result;

use super::{
    comparison::{Comparison, Lengths},
    contender::{SERVERS, Server},
    session::Load,
};
use crate::{bench::Options, table::Table};

/// Measures the workload.
pub fn run(options: &Options) -> Result<Vec<Table>> {
    let comparison = Comparison::begin()?;
    let servers: Vec<Server> = SERVERS.into_iter().filter(|server| server.echoes).collect();
    let (rounds, scale) = if options.quick { (2, 5) } else { (5, 1) };
    let mut tables = Vec::new();
    for (connections, messages) in [(64, 150_000), (1000, 150_000), (1, 10_000)] {
        let load = |messages| Load::Echo { connections, messages };
        let mut lengths = Vec::new();
        // With 1,000 connections, instructions are not counted, because a message takes as many instructions as with 64
        // connections. With one connection, instructions are counted only in a full run.
        if connections == 64 || (connections == 1 && !options.quick) {
            lengths.push(Lengths::of("", load, 1_000, 9_000));
        }
        let messages = messages / scale;
        let on = if connections == 1 { "connection" } else { "connections" };
        let title = format!("Echo: {messages} messages of 64 bytes on {connections} {on}");
        let load = load(messages);
        tables.push(comparison.measure(&title, "message", &servers, load, rounds, &lengths)?);
    }
    let load = |blocks| Load::Bulk { blocks };
    let blocks = 250 / scale;
    let title = format!("Bulk: {blocks} MiB there and back on 1 connection");
    let lengths = match options.quick {
        true => vec![],
        false => vec![Lengths::of("", load, 4, 20)],
    };
    tables.push(comparison.measure(&title, "MiB", &servers, load(blocks), rounds, &lengths)?);
    Ok(tables)
}
