//! `run`: a sweep, or one seed.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::progress::Progress;
use super::record;
use super::{DIVERGED, End, artefacts};
use crate::world::{Failure, Lab, Narrator, Outcome, Report, Scenario, Subject, Sweep, Tally};

/// How many other failing seeds are named.
const NAMED: usize = 3;

pub(super) fn sweep(
    subject: &dyn Subject,
    mut sweep: Sweep,
    scenario: Option<&Path>,
) -> Result<(), End> {
    sweep.scenario = scenario.map(read).transpose()?;
    let mut progress = Progress::new();
    let tally = sweep.run(subject, |tally| progress.show(tally));
    progress.end();
    if let Some(first) = tally.failures.first() {
        tell(subject, Some(first.seed), scenario, &first.outcome);
        others(&tally.failures[1..]);
    }
    if let Some(seed) = tally.diverged.first() {
        println!("FAILED {}, seed {seed}: it does not repeat itself", subject.name());
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
        println!("also seed {}: {}", failure.seed, failure.outcome.verdict);
    }
}

fn summary(tally: &Tally, check: bool) {
    if check {
        println!("{} seeds ran twice, {} differed", tally.checked, tally.diverged.len());
    }
    println!(
        "{} seeds, {} failed, {:.0} seeds/s, {:.0} x real time, digest {:016x}",
        tally.seeds,
        tally.failed,
        tally.rate(),
        tally.speed(),
        tally.digest
    );
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
    if let (Some(seed), Some(scenario)) = (seed, scenario) {
        let (name, scenario) = (subject.name(), scenario.display());
        let command = format!("cargo sim run {name} --seed {seed} --scenario {scenario}");
        report = report.with_command(command);
    }
    if let Err(error) = report.write_tape(&artefacts()) {
        eprintln!("warning: the tape could not be written: {error}");
    }
    print!("{report}");
}

/// Runs one seed and tells all that happens.
pub(super) fn seed(
    subject: &dyn Subject,
    seed: u64,
    scenario: Option<&Path>,
    record: Option<&Path>,
) -> Result<(), End> {
    let mut lab = Lab::new();
    if let Some(path) = record {
        lab.record_to(record::create(path)?);
    }
    match scenario {
        Some(path) => lab.take_scenario(&read(path)?, seed),
        None => lab.take_seed(seed),
    }
    told(subject, &mut lab, Some(seed), scenario)
}

/// Runs what the lab was told to, and tells all that happens.
pub(super) fn told(
    subject: &dyn Subject,
    lab: &mut Lab,
    seed: Option<u64>,
    scenario: Option<&Path>,
) -> Result<(), End> {
    let (narrator, told) = Narrator::new(usize::MAX);
    lab.observe(Box::new(narrator));
    let outcome = subject.run(lab);
    let lines: String = told.borrow().iter().map(|line| format!("{line}\n")).collect();
    // A reader who has seen enough is no trouble.
    let _ = io::stdout().write_all(lines.as_bytes());
    if !outcome.verdict.is_pass() {
        tell(subject, seed, scenario, &outcome);
    }
    let took = outcome.lasted as f64 / 1e6;
    let (failed, digest) = (u8::from(!outcome.verdict.is_pass()), outcome.digest);
    println!("1 seeds, {failed} failed, {took:.3} s of its time, digest {digest:016x}");
    match outcome.verdict.kind().status() {
        0 => Ok(()),
        status => Err(End::Failed(status)),
    }
}
