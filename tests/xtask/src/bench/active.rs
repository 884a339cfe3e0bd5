//! Workload W1U: events without a source. Each event activates itself in its callback.

use anyhow::Result;

use super::{
    Options, figures,
    loops::{Count, Program},
};
use crate::table::Table;

/// The contenders, in the order of the table.
const NAMES: [&str; 8] = [
    "picoevent's core",
    "picoevent",
    LIBEVENT,
    "libev ev_feed_event",
    "libuv uv_idle",
    "libuv uv_async_send",
    "calloop insert_idle",
    "a queue by hand",
];

const LIBEVENT: &str = "libevent event_active";

/// The numbers of events.
const EVENTS: [u32; 2] = [1, 64];

/// The number of callbacks in one round.
const CALLBACKS: u32 = 200_000;
/// Instructions are counted in two runs. The longer run has this many more callbacks than the shorter run.
const COUNTED: u32 = 20_000;

/// Measures the workload.
///
/// # Errors
/// If something cannot be built, or a contender makes a wrong number of calls.
pub fn run(options: &Options) -> Result<Vec<Table>> {
    let program = Program::build()?;
    let rounds = if options.quick { 7 } else { 25 };
    let mut measured = Vec::new();
    for events in EVENTS {
        let words = format!("active --events {events} --callbacks {CALLBACKS} --rounds {rounds}");
        let figures = program.measure(&words, &[])?;
        let counts = program.differences(&NAMES.map(|name| count(name, events)))?;
        measured.push((figures, counts));
    }
    let columns = " | 1 event: ns | of libevent's | instr. | 64: ns | of libevent's | instr.";
    let mut table = Table::new("W1U, for each callback", columns);
    for (index, name) in NAMES.iter().enumerate() {
        let cells = measured.iter().flat_map(|(figures, counts)| {
            [
                figures::nanos(figures.median(name, "")),
                figures::factor(figures.ratio(name, LIBEVENT, "")),
                figures::count(counts.get(index).copied()),
            ]
        });
        table.row(name, cells);
    }
    table.remark(format!(
        "Processor time; medians of {rounds} rounds of {} callbacks, ratios by round.",
        figures::count(Some(CALLBACKS.into()))
    ));
    table.remark(
        "An event that activates itself runs again in the same pass of libevent and libev, which \
         then do not check for new events. picoevent runs it once a pass: *picoevent's core* is that pass, \
         *picoevent* also checks the system for new events between two passes.",
    );
    Ok(vec![table])
}

fn count(name: &'static str, events: u32) -> Count {
    let run = |callbacks| format!("active --events {events} --callbacks {callbacks}");
    Count { name, less: run(COUNTED), more: run(2 * COUNTED), per: f64::from(COUNTED) }
}
