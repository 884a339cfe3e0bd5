//! Workload W1: tokens in a ring of descriptors, like libevent's `test/bench.c`. All contenders run in one process.

use std::fmt;

use anyhow::Result;

use super::{
    Options,
    figures::{self, Figures},
    loops::{Count, MissingResources, Program},
    plot::{self, Plot},
};
use crate::table::Table;

/// The contenders, in the order of the tables.
const NAMES: [&str; 17] = [
    "picoevent",
    "picoevent, level",
    "picoevent's core on mio",
    "mio by hand",
    "epoll, edge",
    "epoll, level",
    "libevent",
    "libev",
    "libuv",
    "calloop",
    FLOOR,
    "picoevent +t60",
    "picoevent's core on mio +t60",
    "libevent +t60",
    "libevent, common +t60",
    "libev +t60",
    "libuv +t60",
];

/// The contender without an event loop: it only reads and writes the tokens. The time of every other contender contains
/// the time of these reads and writes.
const FLOOR: &str = "no loop";

const LIBEVENT: &str = "libevent";

/// Contenders on picoevent's back end. For each watched descriptor, the back end needs one additional descriptor.
const WITH_DUPLICATES: [&str; 3] = ["picoevent", "picoevent, level", "picoevent +t60"];

/// Contenders whose instructions `cargo xtask gate` records.
const GATED: [&str; 2] = ["picoevent", "picoevent +t60"];

/// The lines of the plot.
const PLOTTED: [&str; 8] = [
    "picoevent",
    "picoevent's core on mio",
    "mio by hand",
    "epoll, level",
    "libevent",
    "libev",
    "libuv",
    "calloop",
];

/// With more pairs than this, the limit on descriptors is too low for duplicate descriptors.
const DUPLICATES_LIMIT: u32 = 5_000;

/// Instructions are counted in two runs. The longer run has this many more events than the shorter run.
const COUNTED: u32 = 10_000;

/// A ring: the kind of descriptors, the number of pairs, and the number of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Case {
    kind: &'static str,
    pairs: u32,
    tokens: u32,
}

const fn case(kind: &'static str, pairs: u32, tokens: u32) -> Case {
    Case { kind, pairs, tokens }
}

/// The cases with a separate table.
const MAIN: [Case; 2] = [case("eventfd", 1_000, 1), case("eventfd", 1_000, 100)];

/// The other cases, which share a table.
const OTHERS: [Case; 11] = [
    case("eventfd", 100, 1),
    case("eventfd", 100, 100),
    case("eventfd", 9_900, 1),
    case("eventfd", 9_900, 100),
    case("sockets", 100, 1),
    case("sockets", 1_000, 1),
    case("sockets", 1_000, 100),
    case("sockets", 9_900, 1),
    case("sockets", 9_900, 100),
    case("pipes", 1_000, 1),
    case("pipes", 1_000, 100),
];

/// Returns the instructions for each edge-triggered event on picoevent's back end. The event has no timeout, or a
/// timeout of a minute. The rings are those in `MAIN`.
///
/// # Errors
/// If the program cannot be built, or loses a token.
pub fn counts() -> Result<Vec<(String, u64)>> {
    let program = Program::build_without_plugins()?;
    let gated = MAIN.into_iter().flat_map(|case| GATED.map(|name| (case, name)));
    let counted: Vec<_> = gated.clone().map(|(case, name)| case.count(name)).collect();
    let named =
        |((case, name), count): ((Case, _), f64)| (format!("{name}, {case}"), count.round() as u64);
    Ok(gated.zip(program.differences(&counted)?).map(named).collect())
}

/// Measures the workload.
///
/// # Errors
/// If something cannot be built, or a contender loses a token.
pub fn run(options: &Options) -> Result<Vec<Table>> {
    let program = Program::build()?;
    let mut tables = Vec::new();
    let mut plotted = Vec::new();
    let rounds = if options.quick { 20 } else { 50 };
    for case in MAIN {
        let figures = case.measure(&program, rounds)?;
        let counts = program.differences(&case.counts())?;
        tables.push(main_table(case, &figures, &counts));
        plotted.push((case, figures));
    }
    if !options.quick {
        let mut columns = Vec::new();
        let mut remarks = Vec::new();
        for case in OTHERS {
            match case.measure(&program, rounds / 2) {
                Ok(figures) => columns.push((case, figures)),
                Err(error) if error.is::<MissingResources>() => {
                    remarks.push(format!("Left out: {error}."))
                }
                Err(error) => return Err(error),
            }
        }
        tables.push(other_table(&columns, remarks));
        plotted.extend(columns);
        plot::write("chain.svg", &plot_of(&plotted))?;
    }
    Ok(tables)
}

impl Case {
    fn measure(self, program: &Program, rounds: u32) -> Result<Figures> {
        let words = format!("{} --writes 10000 --rounds {rounds}", self.ring());
        program.measure(&words, &self.contenders())
    }

    /// Returns the contenders of this case. Contenders with timeouts take part only in cases with a separate table.
    /// Contenders that need duplicate descriptors take part only if the descriptor limit allows the duplicates.
    fn contenders(self) -> Vec<&'static str> {
        let too_many = self.kind != "eventfd" && self.pairs > DUPLICATES_LIMIT;
        let takes_part = |name: &&str| {
            (MAIN.contains(&self) || !name.ends_with("+t60"))
                && !(too_many && WITH_DUPLICATES.contains(name))
        };
        NAMES.into_iter().filter(takes_part).collect()
    }

    fn ring(self) -> String {
        let Self { kind, pairs, tokens } = self;
        format!("chain --kind {kind} --pairs {pairs} --tokens {tokens}")
    }

    fn counts(self) -> Vec<Count> {
        NAMES.map(|name| self.count(name)).into()
    }

    fn count(self, name: &'static str) -> Count {
        let run = |writes| format!("{} --warm 1000 --writes {writes}", self.ring());
        Count { name, less: run(1_000), more: run(1_000 + COUNTED), per: f64::from(COUNTED) }
    }
}

fn main_table(case: Case, figures: &Figures, counts: &[f64]) -> Table {
    let columns = " | ns/event | least – most | the loop's | of libevent's | picoevent ÷ this | \
                   instructions";
    let mut table = Table::new(format!("W1, {case}"), columns);
    for (name, count) in NAMES.iter().zip(counts) {
        let picoevent = if name.ends_with("+t60") { "picoevent +t60" } else { "picoevent" };
        let own = figures::factor(figures.ratio(picoevent, name, ""));
        let more = [own, figures::count(Some(*count))];
        table.row(name, figures.cells(name, FLOOR, LIBEVENT).into_iter().chain(more));
    }
    table.remark(format!(
        "Processor time, kernel included; medians of {} rounds of 10,000 events in one process, \
         the contenders run one after the other over the same descriptors, in random order. *The loop's* is \
         the time minus the time of *no loop*; ratios are medians of the rounds' ratios.",
        figures.rounds()
    ));
    table.remark(
        "Instructions are those of user space, by callgrind: the wrappers of two system calls \
         and the code that passes the token are included for every contender.",
    );
    table
}

fn other_table(columns: &[(Case, Figures)], remarks: Vec<String>) -> Table {
    let headings: String = columns.iter().map(|(case, _)| format!(" | {case}")).collect();
    let mut table = Table::new("W1, other rings: ns/event (of libevent's)", &headings);
    for name in NAMES.iter().filter(|name| !name.ends_with("+t60")) {
        let cell = |(_, figures): &(Case, Figures)| match figures.median(name, "") {
            None => "–".to_owned(),
            Some(median) => format!(
                "{} ({})",
                figures::nanos(Some(median)),
                figures::factor(figures.ratio(name, LIBEVENT, ""))
            ),
        };
        table.row(name, columns.iter().map(cell));
    }
    table.remark(
        "picoevent's back end watches duplicates of descriptors. With 9,900 pairs of two \
         descriptors, the limit for descriptors is too low for these duplicates.",
    );
    remarks.into_iter().for_each(|remark| table.remark(remark));
    table
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, pairs, tokens } = self;
        write!(f, "{pairs} × {kind}, {tokens} token{}", if *tokens == 1 { "" } else { "s" })
    }
}

/// Returns the plot of an event's cost by the number of sources.
fn plot_of(measured: &[(Case, Figures)]) -> Plot {
    let of_kind = |case: &Case| case.kind == "eventfd" && case.tokens == 1;
    let points = |name: &str| {
        let here = measured.iter().filter(|(case, _)| of_kind(case));
        let mut points: Vec<_> = here
            .filter_map(|(case, figures)| {
                Some((f64::from(case.pairs), figures.difference(name, FLOOR, "")?))
            })
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        points
    };
    Plot {
        title: "The loop's part of an event (W1, eventfd, 1 token)".to_owned(),
        across: "descriptors watched".to_owned(),
        up: "ns of processor time".to_owned(),
        lines: PLOTTED.iter().map(|name| ((*name).to_owned(), points(name))).collect(),
    }
}
