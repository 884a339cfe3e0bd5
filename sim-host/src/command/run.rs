//! `run` and `watch`: a sweep, or one seed.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use super::line::{Run, Views};
use super::merge;
use super::progress::Progress;
use super::record;
use super::views::{self, ViewFiles};
use super::{DIVERGED, End, artefacts, program};
use crate::observers::{Show, Style, page};
use crate::world::{
    AnyTestCase, LogObserver, Observer, Outcome, Report, Scenario, Simulator, Sweep, Tally,
};

/// The maximum number of failing seeds that are printed after the first failing seed.
const NAMED: usize = 3;

pub(super) fn sweep(case: &dyn AnyTestCase, mut sweep: Sweep, arguments: &Run) -> Result<(), End> {
    let scenario = arguments.scenario.as_deref();
    sweep.scenario = scenario.map(|path| read(path, case)).transpose()?;
    let mut progress = Progress::new();
    let tally = sweep.run(case, |tally| progress.show(tally));
    progress.end();
    if let Some(first) = tally.failures.first() {
        report_failure(case, Some(first.seed), scenario, &first.outcome);
        others(&tally);
        views::at(case, first, &arguments.views)?;
    }
    if let Some(seed) = tally.diverged.first() {
        println!("FAILED {}, seed {seed}: its second run differs from the first", case.name());
    }
    if let Some(path) = &arguments.html {
        let repeat_command = |seed| repeat_command(case, seed, scenario);
        views::write(path, page(case.name(), &typed(), &tally, repeat_command).as_bytes())?;
    }
    if let Some(path) = &arguments.report {
        merge::write(path, arguments, &tally, |seed| repeat_command(case, seed, scenario))?;
    }
    summary(&tally, sweep.check);
    match (tally.worst().status(), tally.diverged.is_empty()) {
        (0, true) => Ok(()),
        (0, false) => Err(End::Failed(DIVERGED)),
        (status, _) => Err(End::Failed(status)),
    }
}

/// Prints some failures after the first one.
fn others(tally: &Tally) {
    let named = tally.failures.iter().skip(1).take(NAMED);
    for failure in named.clone() {
        print(&format!("also seed {}: {}\n", failure.seed, failure.outcome.verdict));
    }
    let unnamed = tally.failed - 1 - named.count() as u64;
    if unnamed > 0 {
        print(&format!("also {unnamed} other seeds\n"));
    }
}

/// Prints the totals of a sweep.
pub(super) fn summary(tally: &Tally, check: bool) {
    if check {
        print(&format!("{} seeds ran twice, {} differed\n", tally.checked, tally.diverged.len()));
    }
    print(&format!(
        "{} seeds, {} failed, {:.0} seeds/s, {:.0} x real time, digest {:016x}\n",
        tally.seeds,
        tally.failed,
        tally.rate(),
        tally.speed(),
        tally.digest
    ));
}

/// Reads a scenario of the test case.
fn read(path: &Path, case: &dyn AnyTestCase) -> Result<Scenario, End> {
    let scenario = views::read(path)?.parse();
    let accepted = scenario.and_then(|scenario| case.accepts(&scenario).map(|()| scenario));
    accepted.map_err(|error| End::Error(format!("{}: {error}", path.display())))
}

/// Prints the report of a failure, and writes its choice log.
fn report_failure(
    case: &dyn AnyTestCase,
    seed: Option<u64>,
    scenario: Option<&Path>,
    outcome: &Outcome,
) {
    let mut report = Report::new(case, seed, outcome);
    if let Some(seed) = seed {
        report = report.repeat(repeat_command(case, seed, scenario));
    }
    match report.write_choices(&artefacts()) {
        Ok(path) => report = report.shorter(format!("{} shrink {}", program(), path.display())),
        Err(error) => eprintln!("warning: the choice log could not be written: {error}"),
    }
    print(&report.to_string());
}

/// Prints text. An error, for example a closed pipe, is ignored.
pub(super) fn print(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}

/// Returns the command that reproduces a seed.
fn repeat_command(case: &dyn AnyTestCase, seed: u64, scenario: Option<&Path>) -> String {
    let command = format!("{} run {} --seed {seed}", program(), case.name());
    match scenario {
        Some(scenario) => format!("{command} --scenario {}", scenario.display()),
        None => command,
    }
}

/// Returns the current command line as text.
fn typed() -> String {
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    format!("{} {}", program(), words.collect::<Vec<_>>().join(" "))
}

/// Runs one seed and prints everything that happens.
pub(super) fn seed(case: &dyn AnyTestCase, seed: u64, arguments: &Run) -> Result<(), End> {
    let scenario = arguments.scenario.as_deref();
    let mut simulator = simulator(case, seed, scenario)?;
    if let Some(path) = &arguments.record {
        simulator.record_to(record::create(path)?);
    }
    show_all(case, &mut simulator, Some(seed), scenario, &arguments.views)
}

/// Returns a simulator with this seed set.
fn simulator(case: &dyn AnyTestCase, seed: u64, scenario: Option<&Path>) -> Result<Simulator, End> {
    let mut simulator = Simulator::new();
    match scenario {
        Some(path) => simulator.take_scenario(&read(path, case)?, seed),
        None => simulator.take_seed(seed),
    }
    Ok(simulator)
}

/// Runs the simulator's next simulation and prints everything that happens.
pub(super) fn show_all(
    case: &dyn AnyTestCase,
    simulator: &mut Simulator,
    seed: Option<u64>,
    scenario: Option<&Path>,
    views: &Views,
) -> Result<(), End> {
    let (log, shown) = LogObserver::new(usize::MAX);
    let which = seed.map_or_else(|| "a choice log".to_owned(), |seed| format!("seed {seed}"));
    let files = ViewFiles::new(views, &format!("{}, {which}", case.name()));
    let mut observers = files.observers();
    observers.push(Box::new(log));
    let outcome = run_observed(case, simulator, observers);
    let lines: String = shown.borrow().iter().map(|line| format!("{line}\n")).collect();
    print(&lines);
    files.write()?;
    show_result(case, seed, scenario, &outcome)
}

/// Runs one seed at `ratio` times the speed of real time, and shows what happens.
pub(super) fn watch(
    case: &dyn AnyTestCase,
    seed: u64,
    ratio: f64,
    scenario: Option<&Path>,
) -> Result<(), End> {
    let style = if io::stdout().is_terminal() { Style::Terminal } else { Style::Plain };
    let show = Show::new(io::stdout(), style, ratio);
    let outcome = run_observed(case, &mut simulator(case, seed, scenario)?, vec![Box::new(show)]);
    show_result(case, Some(seed), scenario, &outcome)
}

fn run_observed(
    case: &dyn AnyTestCase,
    simulator: &mut Simulator,
    observers: Vec<Box<dyn Observer>>,
) -> Outcome {
    simulator.observe(Box::new(observers));
    let outcome = case.run(simulator);
    simulator.take_observer();
    outcome
}

/// Prints the result of a simulation.
fn show_result(
    case: &dyn AnyTestCase,
    seed: Option<u64>,
    scenario: Option<&Path>,
    outcome: &Outcome,
) -> Result<(), End> {
    if !outcome.verdict.is_pass() {
        report_failure(case, seed, scenario, outcome);
    }
    let took = outcome.lasted as f64 / 1e6;
    let (failed, digest) = (u8::from(!outcome.verdict.is_pass()), outcome.digest);
    print(&format!("1 seeds, {failed} failed, {took:.3} s of its time, digest {digest:016x}\n"));
    match outcome.verdict.kind().status() {
        0 => Ok(()),
        status => Err(End::Failed(status)),
    }
}
