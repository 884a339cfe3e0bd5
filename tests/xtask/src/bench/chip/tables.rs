//! The tables of the chip, and the counts in their cells.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::{Counts, count, fit::Fit, image::Profile, lines};
use crate::table::{Table, thousands};

/// A row of the first tables: its title, and the names of the counts for the core, for the adapter and for embassy's
/// tasks. The core has two counts: one count for a whole iteration, and one count for the dispatch alone.
type Row = (&'static str, [&'static str; 3]);

const ROWS: [Row; 9] = [
    ("an event that activates itself, 1 ready", ["E1, 1 ready", "", "E1, 1 task yields"]),
    ("the same, 8 ready", ["E1, 8 ready", "", "E1, 8 tasks yield"]),
    ("a task that wakes another", ["", "", "E1, a Signal to the other task"]),
    ("a source that is ready", ["1 source ready", "", "E1, 1 Signal ready"]),
    ("the same, 8 at once", ["8 sources ready", "", "E1, 8 Signals ready"]),
    (
        "an interrupt that raises a signal",
        ["E2", "E2, through the adapter", "E2, a Signal to a task"],
    ),
    (
        "one of 4 timers fires and re-arms itself",
        ["T1, 4 timers", "T1 through the adapter, 4 timers", "T1, 4 tasks"],
    ),
    ("the same, of 16", ["T1, 16 timers", "T1 through the adapter, 16 timers", "T1, 16 tasks"]),
    ("the same, of 64", ["T1, 64 timers", "T1 through the adapter, 64 timers", "T1, 64 tasks"]),
];

/// Returns the names of a row's counts. A name is empty for an empty cell.
fn counts_of([core, adapter, tasks]: [&str; 3]) -> [String; 4] {
    let alone = if core.is_empty() { String::new() } else { format!("{core}, dispatch alone") };
    [core.to_owned(), alone, adapter.to_owned(), tasks.to_owned()]
}

/// The servers that are compared.
const SERVERS: [&str; 6] = [
    "hello, 4 sockets",
    "hello by hand, 4 tasks",
    "hello by polling, 4 sockets",
    "hello, 16 sockets",
    "hello by hand, 16 tasks",
    "GET of 100 bytes",
];

/// Makes every table.
pub fn make(counts: &BTreeMap<Profile, Counts>, by: &str) -> Result<Vec<Table>> {
    let at = |profile| counts.get(&profile).context("a profile was not built");
    let (speed, size) = (at(Profile::Speed)?, at(Profile::Size)?);
    let mut events = events("for speed (opt-level 3)", speed)?;
    events.remark(format!("By {by}. Each program ran twice; all runs gave the same counts."));
    events.remark(
        "In instructions of a Cortex-M3, the callback and its call included; subtracted: an empty \
         loop, an empty interrupt, or the computation of a period.",
    );
    events.remark(
        "Whole iteration: prepare, actions, wait, advance, dispatch. Adapter: from interrupt or alarm \
         through embassy's executor and `picoevent-embassy` with one socket, including the stack's \
         own check. Tasks: embassy-executor with `yield_now`, `Signal`, and embassy-time's queue.",
    );
    Ok(vec![
        events,
        self::events("for size, as the boards' firmware", size)?,
        operations([speed, size])?,
        rings([speed, size])?,
        lines::table([speed, size])?,
        served([speed, size])?,
    ])
}

fn events(built: &str, counts: &Counts) -> Result<Table> {
    let columns = " | whole iteration | dispatch alone | through the adapter | embassy's tasks";
    let mut table =
        Table::new(format!("Instructions up to the end of the callback, built {built}"), columns);
    for (what, names) in ROWS {
        let cell = |name: String| if name.is_empty() { Ok(name) } else { rounded(counts, &name) };
        let cells: Vec<_> = counts_of(names).into_iter().map(cell).collect::<Result<_>>()?;
        table.row(what, cells);
    }
    Ok(table)
}

fn operations(profiles: [&Counts; 2]) -> Result<Table> {
    let columns = " | arm | cancel | re-arm | arm, for size | cancel, for size | re-arm, for size";
    let mut table = Table::new("Operations on a timer, by how many are armed", columns);
    for timers in [4, 16, 64] {
        let names = ["arm", "cancel", "re-arm"].map(|verb| format!("{verb}, {timers} timers"));
        let cells =
            profiles.iter().flat_map(|counts| names.iter().map(|name| rounded(counts, name)));
        let cells: Vec<_> = cells.collect::<Result<_>>()?;
        table.row(&format!("{timers} timers"), cells);
    }
    Ok(table)
}

fn rings(profiles: [&Counts; 2]) -> Result<Table> {
    const SIZES: [(f64, &str); 4] =
        [(1.0, "1 byte"), (64.0, "64 bytes"), (536.0, "536 bytes"), (1_460.0, "1460 bytes")];
    let columns = " | written and sent | received and read | written and sent, for size | \
                   received and read, for size";
    let mut table = Table::new("Bytes through a connection's rings", columns);
    let series: Vec<_> = profiles
        .iter()
        .flat_map(|counts| ["written and sent", "received and read"].map(|way| (*counts, way)))
        .collect();
    for (_, size) in SIZES {
        let cell = |(counts, way): &(&Counts, &str)| rounded(counts, &format!("{way}, {size}"));
        let cells: Vec<_> = series.iter().map(cell).collect::<Result<_>>()?;
        table.row(size, cells);
    }
    let fit = |(counts, way): &(&Counts, &str)| {
        let point = |(bytes, size)| Ok((bytes, count(counts, &format!("{way}, {size}"))?));
        let points: Vec<_> = SIZES.into_iter().map(point).collect::<Result<_>>()?;
        Fit::of(&points).context("four sizes make a line")
    };
    let fits: Vec<_> = series.iter().map(fit).collect::<Result<_>>()?;
    table.row("each call, by linear regression", fits.iter().map(|fit| thousands(fit.call)));
    table.row("each byte, by linear regression", fits.iter().map(|fit| format!("{:.2}", fit.byte)));
    table.remark(
        "One copy between application and ring, the back end's accounts, the callback and a whole \
         iteration. The copy between ring and network is the network's.",
    );
    Ok(table)
}

fn served(profiles: [&Counts; 2]) -> Result<Table> {
    let columns = " | frames | a connection | a frame | a connection, for size | a frame, for size";
    let mut table =
        Table::new("A served connection, from the connect until the server is idle", columns);
    for server in SERVERS {
        let mut cells = Vec::new();
        for (number, counts) in profiles.into_iter().enumerate() {
            let frames = count(counts, &format!("frames of {server}"))?;
            if number == 0 {
                cells.push(format!("{frames:.1}"));
            }
            cells.push(rounded(counts, server)?);
            cells.push(thousands(count(counts, server)? / frames));
        }
        table.row(server, cells);
    }
    for (profile, counts) in ["speed", "size"].into_iter().zip(profiles) {
        table.remark(format!(
            "For {profile}: of these, the driver takes {} for each frame, at both ends of its \
             cable together; a poll of the stack with 4 idle sockets {}, with 16 {}.",
            rounded(counts, "driver, a frame from end to end")?,
            rounded(counts, "poll of the stack, 4 idle sockets")?,
            rounded(counts, "poll of the stack, 16 idle sockets")?,
        ));
    }
    table.remark(
        "hello: hello-world on picoevent, with a socket for each of four connections, and with the \
         pool of 16 that the boards give it. By hand: embassy-net's sockets with equal buffers, a \
         task each. By polling: smoltcp alone. GET: a request for 100 bytes on a connection that \
         is kept, by `picoevent-http` with four sockets. The other end is a client on a \
         separate stack; its instructions are not counted.",
    );
    Ok(table)
}

fn rounded(counts: &Counts, name: &str) -> Result<String> {
    count(counts, name).map(thousands)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a count for every name in the tables. The value of each count is the position of the name, from 1 on.
    fn all() -> Counts {
        let rows = ROWS.into_iter().flat_map(|(_, names)| counts_of(names));
        let mut names: Vec<_> = rows.filter(|name| !name.is_empty()).collect();
        names.extend(SERVERS.map(str::to_owned));
        names.extend(SERVERS.map(|server| format!("frames of {server}")));
        for timers in [4, 16, 64] {
            let verb = |verb: &str| format!("{verb}, {timers} timers");
            names.extend(["arm", "cancel", "re-arm"].map(verb));
        }
        for size in ["1 byte", "64 bytes", "536 bytes", "1460 bytes"] {
            names.extend([
                format!("written and sent, {size}"),
                format!("received and read, {size}"),
            ]);
        }
        for found_in in ["in a ring", "of a connection"] {
            let way = |way: &str| format!("end of a line {found_in}, {way}");
            names.extend(["all at once", "byte by byte", "no byte"].map(way));
        }
        names.push("driver, a frame from end to end".to_owned());
        names.extend([4, 16].map(|sockets| format!("poll of the stack, {sockets} idle sockets")));
        names.into_iter().enumerate().map(|(at, name)| (name, (at as u64 + 1) * 1_000)).collect()
    }

    fn tables(speed: Counts, size: Counts) -> Result<Vec<Table>> {
        make(&BTreeMap::from([(Profile::Speed, speed), (Profile::Size, size)]), "rustc 1")
    }

    #[test]
    fn each_count_has_its_column() {
        let tables = tables(all(), all()).unwrap();
        let [events, _, _, rings, _, served] = tables.as_slice() else { panic!("six tables") };
        assert_eq!(events.rows[0][1..], ["1", "2", "", "3"]);
        assert_eq!(events.rows[2][1..], ["", "", "", "7"]);
        assert_eq!(events.rows[5][1..], ["14", "15", "16", "17"]);
        assert!(events.remarks[0].starts_with("By rustc 1. "), "{:?}", events.remarks);
        assert_eq!(rings.rows.len(), 6);
        assert_eq!(served.rows[0][0], "hello, 4 sockets");
    }

    #[test]
    fn a_missing_count_is_named_in_the_error() {
        let mut counts = all();
        counts.remove("E2");
        let error = tables(all(), counts).unwrap_err();
        assert_eq!(error.to_string(), "no program counted \"E2\"");
    }
}
