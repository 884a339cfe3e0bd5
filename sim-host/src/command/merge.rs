//! Reports of shards: `run --report` writes them, and `merge` combines them.
//!
//! A report is in JSON. Each report names its sweep, so `merge` detects a shard that is missing, duplicated,
//! incomplete, or of another sweep.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::line::Run;
use super::shard::Shard;
use super::{DIVERGED, End, run, views};
use crate::world::{Failure, Kind, Tally};

/// The maximum number of failures that `merge` prints. If shards are missing, the error message names at most [`NAMED`]
/// of them.
const NAMED: usize = 5;

/// The results of one shard.
#[derive(Serialize, Deserialize)]
struct ShardReport {
    sweep: SweepName,
    shard: u64,
    seeds: u64,
    checked: u64,
    failed: u64,
    diverged: Vec<u64>,
    failures: Vec<FailedSeed>,
    /// The simulated time in seconds.
    simulated: f64,
    /// The real time that the shard took, in seconds.
    took: f64,
    /// The digest in hexadecimal digits. Some JSON parsers cannot read a 64-bit number.
    digest: String,
}

/// The properties that all shards of one sweep share.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SweepName {
    application: String,
    first: u64,
    end: u64,
    shards: u64,
    /// The option `--check` was set: some seeds were run twice, and the outcomes were compared.
    check: bool,
    /// The text of the scenario.
    scenario: Option<String>,
}

/// A seed that failed.
#[derive(Serialize, Deserialize)]
struct FailedSeed {
    seed: u64,
    /// The kind of the simulation's verdict, as a word.
    kind: String,
    verdict: String,
    /// The command that reproduces the failure.
    repeat: String,
}

/// Writes the report of a shard. `arguments` has the arguments of the command `run`.
pub(super) fn write(
    path: &Path,
    arguments: &Run,
    tally: &Tally,
    repeat: impl Fn(u64) -> String,
) -> Result<(), End> {
    let shard = arguments.shard.unwrap_or(Shard::WHOLE);
    let Range { start: first, end } = arguments.all_seeds();
    let sweep = SweepName {
        application: arguments.application.clone(),
        first,
        end,
        shards: shard.count,
        check: arguments.check,
        scenario: arguments.scenario.as_deref().map(views::read).transpose()?,
    };
    let failed = |failure: &Failure| FailedSeed {
        seed: failure.seed,
        kind: failure.outcome.verdict.kind().word().to_owned(),
        verdict: failure.outcome.verdict.to_string(),
        repeat: repeat(failure.seed),
    };
    let report = ShardReport {
        sweep,
        shard: shard.number,
        seeds: tally.seeds,
        checked: tally.checked,
        failed: tally.failed,
        diverged: tally.diverged.clone(),
        failures: tally.failures.iter().map(failed).collect(),
        simulated: tally.simulated as f64 / 1e6,
        took: tally.took.as_secs_f64(),
        digest: format!("{:016x}", tally.digest),
    };
    let text = serde_json::to_string_pretty(&report);
    let text = text.map_err(|error| End::Error(format!("{}: {error}", path.display())))?;
    views::write(path, format!("{text}\n").as_bytes())
}

/// Combines the reports of all shards of one sweep. Prints the result as `run` prints the result of a sweep.
pub(super) fn merge(paths: &[PathBuf]) -> Result<(), End> {
    let reports = read_all(paths)?;
    let mut tally = Tally::default();
    let mut failures: Vec<&FailedSeed> = Vec::new();
    let mut check = false;
    for report in reports.values() {
        tally.seeds += report.seeds;
        tally.checked += report.checked;
        tally.failed += report.failed;
        tally.diverged.extend(&report.diverged);
        tally.simulated += (report.simulated * 1e6) as u128;
        // The shards ran at the same time, so the sweep took as long as its slowest shard.
        tally.took = tally.took.max(Duration::try_from_secs_f64(report.took).unwrap_or_default());
        let digest = u64::from_str_radix(&report.digest, 16).unwrap_or_default();
        tally.digest = tally.digest.wrapping_add(digest);
        failures.extend(&report.failures);
        check |= report.sweep.check;
    }
    failures.sort_by_key(|failure| failure.seed);
    let application = reports.values().next().map_or("", |report| &report.sweep.application);
    for failure in failures.iter().take(NAMED) {
        run::print(&format!(
            "FAILED {application}, seed {}: {}\n  repeat: {}\n",
            failure.seed, failure.verdict, failure.repeat
        ));
    }
    if let Some(seed) = tally.diverged.iter().min() {
        run::print(&format!(
            "FAILED {application}, seed {seed}: its second run differs from the first\n"
        ));
    }
    run::summary(&tally, check);
    let kinds = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Pass);
    let worst =
        kinds.filter(|kind| failures.iter().any(|failure| failure.kind == kind.word())).min();
    match (worst, tally.failed, tally.diverged.is_empty()) {
        (Some(kind), ..) => Err(End::Failed(kind.status())),
        (None, 1.., _) => Err(End::Error("a report names no seed that failed".to_owned())),
        (None, 0, false) => Err(End::Failed(DIVERGED)),
        (None, 0, true) => Ok(()),
    }
}

/// Reads the reports, and checks that each shard of one sweep is present exactly once.
fn read_all(paths: &[PathBuf]) -> Result<BTreeMap<u64, ShardReport>, End> {
    let mut reports: BTreeMap<u64, (ShardReport, &Path)> = BTreeMap::new();
    for path in paths {
        let report = ShardReport::read(path)?;
        let refuse = |what: String| Err(End::Error(format!("{}: {what}", path.display())));
        if let Some((first, other)) = reports.values().next()
            && first.sweep != report.sweep
        {
            return refuse(format!(
                "it is a shard of {}, but {} is one of {}",
                report.sweep.describe(),
                other.display(),
                first.sweep.describe()
            ));
        }
        if let Some((_, other)) = reports.get(&report.shard) {
            return refuse(format!("{} has shard {} too", other.display(), report.shard()));
        }
        reports.insert(report.shard, (report, path));
    }
    let count = reports.values().next().map_or(0, |(report, _)| report.sweep.shards);
    let missing = (1..=count).filter(|number| !reports.contains_key(number));
    let named: Vec<_> = missing.clone().take(NAMED).map(|number| number.to_string()).collect();
    if !named.is_empty() {
        let more = if missing.count() > NAMED { " and others" } else { "" };
        let named = named.join(", ");
        return Err(End::Error(format!("of {count} shards these are missing: {named}{more}")));
    }
    Ok(reports.into_iter().map(|(number, (report, _))| (number, report)).collect())
}

impl ShardReport {
    fn read(path: &Path) -> Result<Self, End> {
        let text = views::read(path)?;
        let refuse = |what: String| End::Error(format!("{}: {what}", path.display()));
        let report: Self = serde_json::from_str(&text)
            .map_err(|error| refuse(format!("it is not a report of a shard ({error})")))?;
        let exists = (1..=report.sweep.shards).contains(&report.shard);
        if !exists || u64::from_str_radix(&report.digest, 16).is_err() {
            return Err(refuse("it is not a report of a shard".to_owned()));
        }
        let seeds = report.shard().of(&(report.sweep.first..report.sweep.end));
        let wanted = seeds.end.saturating_sub(seeds.start);
        if report.seeds != wanted {
            let (seeds, shard) = (report.seeds, report.shard());
            return Err(refuse(format!(
                "only {seeds} of the {wanted} seeds of shard {shard} were run"
            )));
        }
        Ok(report)
    }

    fn shard(&self) -> Shard {
        Shard { number: self.shard, count: self.sweep.shards }
    }
}

impl SweepName {
    fn describe(&self) -> String {
        let Self { application, first, end, shards, .. } = self;
        let scenario = if self.scenario.is_some() { " with a scenario" } else { "" };
        let check = if self.check { ", checked" } else { "" };
        format!("{application}{scenario}, seeds {first}..{end}{check}, in {shards} shards")
    }
}
