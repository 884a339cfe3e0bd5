//! Workload W3: a server that greets each client and closes the connection.
//!
//! The clients take more processor time than the server, so the clients limit the number of connections per second.
//! Therefore the figure is the server's processor time per connection.

use anyhow::Result;

use super::{
    comparison::{Comparison, Lengths},
    contender::SERVERS,
    session::Load,
};
use crate::{bench::Options, table::Table};

/// The number of clients that are connected at once.
const CONCURRENCY: u64 = 64;

/// Measures the workload.
pub fn run(options: &Options) -> Result<Vec<Table>> {
    let comparison = Comparison::begin()?;
    let load = |connections| Load::Hello { connections, concurrency: CONCURRENCY };
    let one = |connections| Load::Hello { connections, concurrency: 1 };
    let (connections, rounds) = if options.quick { (5_000, 2) } else { (30_000, 5) };
    let mut lengths = vec![Lengths::of(", 1 at once", one, 100, 1_100)];
    if !options.quick {
        lengths.push(Lengths::of(", 64 at once", load, 1_000, 5_000));
    }
    let title = format!("Hello: {connections} connections, {CONCURRENCY} at once");
    let table =
        comparison.measure(&title, "connection", &SERVERS, load(connections), rounds, &lengths)?;
    Ok(vec![table])
}
