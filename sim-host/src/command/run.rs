//! `run` and `watch`: a sweep, or one seed.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::line::Files;
use super::look::{self, Looks};
use super::progress::Progress;
use super::record;
use super::{DIVERGED, End, artefacts, program};
use crate::seeing::{Show, Style, page};
use crate::world::{
    Failure, Lab, Narrator, Observer, Outcome, Report, Scenario, Subject, Sweep, Tally,
};

/// How many other failing seeds are named.
const NAMED: usize = 3;

pub(super) fn sweep(subject: &dyn Subject, mut sweep: Sweep, files: &Files) -> Result<(), End> {
    let scenario = files.scenario.as_deref();
    sweep.scenario = scenario.map(read).transpose()?;
    let mut progress = Progress::new();
    let tally = sweep.run(subject, |tally| progress.show(tally));
    progress.end();
    if let Some(first) = tally.failures.first() {
        tell(subject, Some(first.seed), scenario, &first.outcome);
        others(&tally.failures[1..]);
        look::at(subject, first, files)?;
    }
    if let Some(seed) = tally.diverged.first() {
        println!("FAILED {}, seed {seed}: it does not repeat itself", subject.name());
    }
    if let Some(path) = &files.html {
        let once_more = |seed| once_more(subject, seed, scenario);
        look::write(path, page(subject.name(), &typed(), &tally, once_more).as_bytes())?;
    }
    summary(&tally, sweep.check);
    match (tally.worst().status(), tally.diverged.is_empty()) {
        (0, true) => Ok(()),
        (0, false) => Err(End::Failed(DIVERGED)),
        (status, _) => Err(End::Failed(status)),
    }
}

fn others(failures: &[Failure]) {
    for failure in failures.iter().take(NAMED) {
        say(&format!("also seed {}: {}\n", failure.seed, failure.outcome.verdict));
    }
}

fn summary(tally: &Tally, check: bool) {
    if check {
        say(&format!("{} seeds ran twice, {} differed\n", tally.checked, tally.diverged.len()));
    }
    say(&format!(
        "{} seeds, {} failed, {:.0} seeds/s, {:.0} x real time, digest {:016x}\n",
        tally.seeds,
        tally.failed,
        tally.rate(),
        tally.speed(),
        tally.digest
    ));
}

fn read(path: &Path) -> Result<Scenario, End> {
    let place = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| End::Trouble(format!("{place} can not be read: {error}")))?;
    text.parse().map_err(|error| End::Trouble(format!("{place}: {error}")))
}

/// Tells of a failure, and writes its tape.
fn tell(subject: &dyn Subject, seed: Option<u64>, scenario: Option<&Path>, outcome: &Outcome) {
    let mut report = Report::new(subject, seed, outcome);
    if let Some(seed) = seed {
        report = report.once_more(once_more(subject, seed, scenario));
    }
    match report.write_tape(&artefacts()) {
        Ok(tape) => report = report.shorter(format!("{} shrink {}", program(), tape.display())),
        Err(error) => eprintln!("warning: the tape could not be written: {error}"),
    }
    say(&report.to_string());
}

/// Prints. A reader who has seen enough is no trouble.
fn say(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}

/// The command by which a seed is run once more.
fn once_more(subject: &dyn Subject, seed: u64, scenario: Option<&Path>) -> String {
    let command = format!("{} run {} --seed {seed}", program(), subject.name());
    match scenario {
        Some(scenario) => format!("{command} --scenario {}", scenario.display()),
        None => command,
    }
}

/// The command that was typed.
fn typed() -> String {
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    format!("{} {}", program(), words.collect::<Vec<_>>().join(" "))
}

/// Runs one seed and tells all that happens.
pub(super) fn seed(subject: &dyn Subject, seed: u64, files: &Files) -> Result<(), End> {
    let mut lab = lab(seed, files.scenario.as_deref())?;
    if let Some(path) = &files.record {
        lab.record_to(record::create(path)?);
    }
    told(subject, &mut lab, Some(seed), files)
}

/// A lab that takes a seed.
fn lab(seed: u64, scenario: Option<&Path>) -> Result<Lab, End> {
    let mut lab = Lab::new();
    match scenario {
        Some(path) => lab.take_scenario(&read(path)?, seed),
        None => lab.take_seed(seed),
    }
    Ok(lab)
}

/// Runs what the lab was told to, and tells all that happens.
pub(super) fn told(
    subject: &dyn Subject,
    lab: &mut Lab,
    seed: Option<u64>,
    files: &Files,
) -> Result<(), End> {
    let (narrator, told) = Narrator::new(usize::MAX);
    let which = seed.map_or_else(|| "a tape".to_owned(), |seed| format!("seed {seed}"));
    let looks = Looks::new(files, &format!("{}, {which}", subject.name()));
    let mut observers = looks.observers();
    observers.push(Box::new(narrator));
    let outcome = observed(subject, lab, observers);
    let lines: String = told.borrow().iter().map(|line| format!("{line}\n")).collect();
    say(&lines);
    looks.write()?;
    judged(subject, seed, files.scenario.as_deref(), &outcome)
}

/// Runs one seed at a human's pace, and shows what happens while it does.
pub(super) fn watch(
    subject: &dyn Subject,
    seed: u64,
    ratio: f64,
    scenario: Option<PathBuf>,
) -> Result<(), End> {
    let scenario = scenario.as_deref();
    let style = if io::stdout().is_terminal() { Style::Terminal } else { Style::Plain };
    let show = Show::new(io::stdout(), style, ratio);
    let outcome = observed(subject, &mut lab(seed, scenario)?, vec![Box::new(show)]);
    judged(subject, Some(seed), scenario, &outcome)
}

fn observed(subject: &dyn Subject, lab: &mut Lab, observers: Vec<Box<dyn Observer>>) -> Outcome {
    lab.observe(Box::new(observers));
    let outcome = subject.run(lab);
    lab.observe_no_more();
    outcome
}

/// Tells how a world went.
fn judged(
    subject: &dyn Subject,
    seed: Option<u64>,
    scenario: Option<&Path>,
    outcome: &Outcome,
) -> Result<(), End> {
    if !outcome.verdict.is_pass() {
        tell(subject, seed, scenario, outcome);
    }
    let took = outcome.lasted as f64 / 1e6;
    let (failed, digest) = (u8::from(!outcome.verdict.is_pass()), outcome.digest);
    say(&format!("1 seeds, {failed} failed, {took:.3} s of its time, digest {digest:016x}\n"));
    match outcome.verdict.kind().status() {
        0 => Ok(()),
        status => Err(End::Failed(status)),
    }
}
