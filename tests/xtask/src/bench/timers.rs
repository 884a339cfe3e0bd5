//! Workload W2: timers that are added, re-armed, cancelled and fired. Workload W2i: one-minute timers that are
//! restarted repeatedly.

use anyhow::Result;

use super::{
    Options,
    figures::{self, Figures},
    loops::{Count, Program},
    plot::{self, Plot},
};
use crate::table::Table;

/// The contenders, in the order of the tables.
const NAMES: [&str; 7] =
    [PICOEVENT, LIBEVENT, "libev", "libuv", CALLOOP, "a binary heap by hand", "a wheel by hand"];

/// The contenders of W2i.
const IDLE_NAMES: [&str; 9] = [
    PICOEVENT,
    LIBEVENT,
    "libevent, common",
    "libev",
    "libuv",
    CALLOOP,
    "a binary heap by hand",
    "a wheel by hand",
    FLOOR,
];

const PICOEVENT: &str = "picoevent";
const LIBEVENT: &str = "libevent";
const CALLOOP: &str = "calloop";
const FLOOR: &str = "no timers";

/// The timed phases, with the names that the program uses.
const PHASES: [&str; 4] = ["Add", "Rearm", "Cancel", "Fire"];

/// For counting instructions: the last phase of the shorter run, and the last phase of the longer run. The two runs
/// differ by the phase at the same index in [`PHASES`].
const BEFORE: [(&str, &str); 4] =
    [("Open", "Add"), ("Add", "Rearm"), ("Rearm", "Cancel"), ("Near", "Fire")];

/// The numbers of timers, each with the number of rounds in a full run.
const SIZES: [(u32, u32); 4] = [(100, 50), (1_000, 25), (10_000, 9), (MAX_TIMERS, 5)];

/// The maximum size of picoevent's tables, rounded down.
const MAX_TIMERS: u32 = 65_000;

/// For each change of a timer, calloop visits all timers. So, with more timers than this, calloop's instructions are
/// not counted, and a quick run does not measure calloop.
const MAX_FOR_CALLOOP: u32 = 1_000;

/// The number of timers of W2i.
const IDLE: u32 = 10_000;
/// The number of restarts in one round of W2i.
const OPERATIONS: u32 = 1_000_000;
/// Instructions of W2i are counted in two runs. The longer run has this many more restarts than the shorter run.
const COUNTED: u32 = 50_000;

/// Measures W2.
///
/// # Errors
/// If something cannot be built, or a contender fires too many or too few timers.
pub fn run(options: &Options) -> Result<Vec<Table>> {
    let program = Program::build()?;
    let sizes = if options.quick { &SIZES[1..3] } else { &SIZES[..] };
    let mut measured = Vec::new();
    let mut tables = Vec::new();
    for &(timers, rounds) in sizes {
        let rounds = if options.quick { rounds.min(7) } else { rounds };
        let names: Vec<_> = NAMES
            .into_iter()
            .filter(|name| {
                *name != CALLOOP
                    || timers <= MAX_FOR_CALLOOP
                    || (timers < MAX_TIMERS && !options.quick)
            })
            .collect();
        let words = format!("timers --timers {timers} --rounds {rounds}");
        let figures = program.measure(&words, &names)?;
        // A quick run counts instructions for 1,000 timers only, a full run for 1,000 timers and more.
        let counted = if options.quick { timers == 1_000 } else { timers >= 1_000 };
        let counts = if counted { counts(&program, timers)? } else { Vec::new() };
        tables.push(table(timers, &figures, &counts));
        measured.push((timers, figures));
    }
    if !options.quick {
        plot::write("timers.svg", &plot_of(&measured))?;
    }
    Ok(tables)
}

/// Measures W2i.
///
/// # Errors
/// The same errors as [`run`].
pub fn run_idle(options: &Options) -> Result<Vec<Table>> {
    let program = Program::build()?;
    let rounds = if options.quick { 5 } else { 15 };
    // calloop takes more time for one round than all other contenders together.
    let names: Vec<_> = IDLE_NAMES.into_iter().filter(|name| *name != CALLOOP).collect();
    let words = |operations| format!("idle --timers {IDLE} --operations {operations}");
    let figures = program.measure(&format!("{} --rounds {rounds}", words(OPERATIONS)), &names)?;
    let count = |&name: &&'static str| Count {
        name,
        less: words(COUNTED),
        more: words(2 * COUNTED),
        per: f64::from(COUNTED),
    };
    let counts = program.differences(&names.iter().map(count).collect::<Vec<_>>())?;
    let timers = figures::count(Some(IDLE.into()));
    let title = format!("W2i, one of {timers} timers of a minute restarted");
    let columns = " | ns | least – most | the loop's | of libevent's | instructions";
    let mut table = Table::new(title, columns);
    for (name, count) in names.iter().zip(counts) {
        let cells = figures.cells(name, FLOOR, LIBEVENT).into_iter();
        table.row(name, cells.chain([figures::count(Some(count))]));
    }
    table.remark(format!(
        "Processor time; medians of {rounds} rounds of {} operations. The loop's time is \
         updated after every 64 operations. *The loop's* is the time minus the time of *no timers*.",
        figures::count(Some(OPERATIONS.into()))
    ));
    table.remark("*Common* is libevent's common timeout, which many events share.");
    Ok(vec![table])
}

/// Returns the instructions of each phase, for each contender: the difference between a run that ends after the phase
/// and a run that ends before the phase.
fn counts(program: &Program, timers: u32) -> Result<Vec<(&'static str, [f64; PHASES.len()])>> {
    let run = |phase| format!("timers --timers {timers} --until {phase}");
    let names: Vec<_> =
        NAMES.into_iter().filter(|name| *name != CALLOOP || timers <= MAX_FOR_CALLOOP).collect();
    let each = names.iter().flat_map(|&name| {
        BEFORE.map(|(before, phase)| {
            let operations = if phase == "Cancel" { timers / 2 } else { timers };
            Count { name, less: run(before), more: run(phase), per: operations.into() }
        })
    });
    let differences = program.differences(&each.collect::<Vec<_>>())?;
    let rows = differences.chunks_exact(PHASES.len()).map(|row| [row[0], row[1], row[2], row[3]]);
    Ok(names.into_iter().zip(rows).collect())
}

fn table(timers: u32, figures: &Figures, counts: &[(&'static str, [f64; PHASES.len()])]) -> Table {
    let title = format!("W2, {} timers", figures::count(Some(timers.into())));
    let columns =
        " | add: ns | instr. | re-arm: ns | instr. | cancel: ns | instr. | fire: ns | instr.";
    let mut table = Table::new(title, columns);
    for name in NAMES {
        if figures.median(name, PHASES[0]).is_none() {
            continue;
        }
        let row = counts.iter().find(|(counted, _)| *counted == name).map(|(_, row)| row);
        let cells = PHASES.iter().enumerate().flat_map(|(index, phase)| {
            let count = row.map(|row| row[index]);
            [figures::nanos(figures.median(name, phase)), figures::count(count)]
        });
        table.row(name, cells);
    }
    for phase in PHASES {
        let ratio = |to| figures::factor(figures.ratio(PICOEVENT, to, phase));
        let [libevent, libev, libuv] = [LIBEVENT, "libev", "libuv"].map(ratio);
        table.remark(format!(
            "{phase}: picoevent takes {libevent} of libevent's time, {libev} of libev's, {libuv} of \
             libuv's."
        ));
    }
    table.remark(format!(
        "Processor time; medians of {} rounds in one process, ratios by round; picoevent's core.",
        figures.rounds()
    ));
    if timers == MAX_TIMERS {
        table.remark("picoevent's tables have 65,535 slots at most, so there is no larger run.");
    }
    table
}

/// Returns the plot of the cost of adding, re-arming, cancelling and firing a timer, by the number of timers.
fn plot_of(measured: &[(u32, Figures)]) -> Plot {
    let total = |figures: &Figures, name: &str| {
        PHASES.iter().map(|phase| figures.median(name, phase)).sum::<Option<f64>>()
    };
    let points = |name: &str| {
        let point =
            |(timers, figures): &(u32, Figures)| Some((f64::from(*timers), total(figures, name)?));
        measured.iter().filter_map(point).collect()
    };
    Plot {
        title: "A timer added, moved, cancelled and fired (W2)".to_owned(),
        across: "timers".to_owned(),
        up: "ns of processor time, the four together".to_owned(),
        lines: NAMES.iter().map(|name| ((*name).to_owned(), points(name))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> Figures {
        let mut text = String::new();
        for (name, nanos) in [(PICOEVENT, 4), (LIBEVENT, 20), ("libev", 10)] {
            for phase in PHASES {
                text += &format!("{name}\t0\t{phase}\t{nanos}\n");
            }
        }
        Figures::read(&text).unwrap()
    }

    #[test]
    fn a_contender_that_is_not_measured_has_no_row() {
        let table = table(MAX_TIMERS, &figures(), &[(PICOEVENT, [75.0, 100.0, 40.0, 41.0])]);
        let names: Vec<_> = table.rows.iter().map(|row| row[0].as_str()).collect();
        assert_eq!(names, [PICOEVENT, LIBEVENT, "libev"]);
        assert_eq!(table.rows[0][1..5], ["4.0", "75", "4.0", "100"]);
        assert_eq!(table.rows[1][2], "–");
        let remark =
            "Fire: picoevent takes 0.20× of libevent's time, 0.40× of libev's, – of libuv's.";
        assert!(table.remarks.iter().any(|other| other == remark), "{:?}", table.remarks);
    }

    #[test]
    fn a_line_of_the_plot_is_the_sum_of_the_phases() {
        let plot = plot_of(&[(100, figures()), (1_000, figures())]);
        assert_eq!(plot.lines[0], (PICOEVENT.to_owned(), vec![(100.0, 16.0), (1_000.0, 16.0)]));
        assert_eq!(plot.lines[3].1, []);
    }
}
