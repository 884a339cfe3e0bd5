//! One run over a range of seeds, on several threads.

use std::{
    ops::Range,
    path::Path,
    rc::Rc,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use anyhow::{Result, anyhow};

use crate::{
    compare::{Comparator, Expected, Mismatch, Side},
    core_runner::CoreRunner,
    differences::{DIFFERENCES, Difference, Sides},
    example,
    generate::{Kind, generate},
    libevent_runner::LibeventRunner,
    model,
    program::{Plan, Program},
    shrink::shrink,
};

/// The number of programs in a batch. A thread sends a batch to the libevent runner: the process that runs programs
/// on libevent.
const BATCH: u64 = 32;
/// If a run has at least this number of programs of one kind, each difference of this kind must occur in at least one
/// program. If a difference does not occur, the run fails.
const ENOUGH: u64 = 20_000;

/// The settings of a run.
pub struct Session<'p> {
    pub libevent_runner: &'p Path,
    /// The folder of programs that run first.
    pub programs: Option<&'p Path>,
    /// The kinds of programs. All seeds run for each kind.
    pub kinds: Vec<Kind>,
    pub seeds: Range<u64>,
    pub jobs: usize,
}

/// The state that all threads share.
struct Shared {
    next: AtomicU64,
    stop: AtomicBool,
    tally: Mutex<Tally>,
}

/// The counts of programs in a run, and the failure.
struct Tally {
    programs: u64,
    identical: u64,
    uses: [u64; DIFFERENCES.len()],
    /// The failure with the lowest seed.
    failure: Option<(u64, Mismatch)>,
}

impl Session<'_> {
    /// Runs all seeds, or stops at a failure. Returns whether all programs passed.
    pub fn run(&self) -> Result<bool> {
        let mut failures = Vec::new();
        if let Some(folder) = self.programs {
            failures = example::check(&mut Comparator::start(self.libevent_runner)?, folder)?;
        }
        if !failures.is_empty() {
            println!("{}", failures.join("\n"));
            return Ok(false);
        }
        self.kinds.iter().try_fold(true, |all, kind| Ok(all && self.run_kind(*kind)?))
    }

    fn run_kind(&self, kind: Kind) -> Result<bool> {
        let start = Instant::now();
        let shared = Shared {
            next: AtomicU64::new(self.seeds.start),
            stop: AtomicBool::new(false),
            tally: Mutex::default(),
        };
        thread::scope(|scope| {
            let workers: Vec<_> =
                (0..self.jobs).map(|_| scope.spawn(|| self.work(kind, &shared))).collect();
            workers.into_iter().try_for_each(|worker| {
                worker.join().map_err(|_| anyhow!("a thread of the oracle panicked"))?
            })
        })?;
        let tally = shared.tally.into_inner().map_err(|_| anyhow!("a thread panicked"))?;
        let seconds = start.elapsed().as_secs_f64();
        let all_used = self.print_differences(kind, &tally);
        let mismatches = u32::from(tally.failure.is_some());
        if let Some((seed, mismatch)) = &tally.failure {
            self.print_failure(kind, *seed, mismatch)?;
        }
        let speed = tally.programs as f64 / seconds;
        println!(
            "{} programs of {kind}, {mismatches} mismatches, {speed:.0} programs/s",
            tally.programs
        );
        Ok(mismatches == 0 && all_used)
    }

    /// Prints the table of differences. Returns `false` if a difference of this kind did not occur in any program,
    /// although the run has at least [`ENOUGH`] programs.
    fn print_differences(&self, kind: Kind, tally: &Tally) -> bool {
        println!("{:>9}  difference", "programs");
        println!("{:>9}  (none: the same on both sides)", tally.identical);
        for (difference, uses) in DIFFERENCES.iter().zip(tally.uses) {
            if uses == 0 && difference.kind() != kind {
                continue;
            }
            println!("{uses:>9}  {} ({})", difference.name, difference.rule);
        }
        let unused = DIFFERENCES.iter().zip(tally.uses);
        let unused = unused.filter(|(difference, uses)| *uses == 0 && difference.kind() == kind);
        let names: Vec<_> = unused.map(|(difference, _)| difference.name).collect();
        if tally.programs >= ENOUGH && !names.is_empty() {
            println!("no program used: {}", names.join(", "));
            return false;
        }
        true
    }

    fn work(&self, kind: Kind, shared: &Shared) -> Result<()> {
        let mut libevent = LibeventRunner::start(self.libevent_runner)?;
        let mut core = CoreRunner::default();
        let mut tally = Tally::default();
        while !shared.stop.load(Ordering::Relaxed) {
            let first = shared.next.fetch_add(BATCH, Ordering::Relaxed);
            if first >= self.seeds.end {
                break;
            }
            let seeds = first..self.seeds.end.min(first.saturating_add(BATCH));
            let programs: Vec<_> = seeds.clone().map(|seed| generate(kind, seed)).collect();
            libevent.send(&programs)?;
            // Meanwhile, the libevent runner runs the same programs.
            let expected: Vec<_> =
                programs.iter().map(|program| Expected::new(&mut core, program)).collect();
            for (seed, expected) in seeds.zip(expected) {
                let trace = libevent.read_trace()?;
                tally.count(seed, expected.compare(trace));
            }
            if tally.failure.is_some() {
                shared.stop.store(true, Ordering::Relaxed);
            }
        }
        if let Ok(mut all) = shared.tally.lock() {
            all.add(tally);
        }
        Ok(())
    }

    /// Prints a failure, with the shortest program found that still fails.
    fn print_failure(&self, kind: Kind, seed: u64, mismatch: &Mismatch) -> Result<()> {
        let mut comparator = Comparator::start(self.libevent_runner)?;
        let mut last = mismatch.clone();
        let mut failed = Ok(());
        let shortest = shrink(&generate(kind, seed), |program| match comparator.run(program) {
            Ok(Err(found)) if found.side == mismatch.side => {
                last = found;
                true
            }
            Ok(_) => false,
            Err(error) => {
                failed = Err(error);
                false
            }
        });
        failed?;
        let problem = match mismatch.side {
            Side::Libevent => "the trace of libevent differs from the model at libevent's side",
            Side::Ours => "the trace of picoevent differs from the model at our side",
        };
        let lines = shortest.lines.len();
        println!(
            "\nseed {seed} of {kind}: {problem}; in {lines} lines:\n\n{shortest}\n{}",
            last.excerpt()
        );
        Ok(())
    }

    /// Prints a program, the traces of the model, and the differences that the program uses. Returns whether the traces
    /// of libevent and of picoevent match the traces of the model.
    pub fn show(&self, program: &Program) -> Result<bool> {
        let plan = Rc::new(Plan::new(program));
        println!("{program}");
        println!("libevent's side:\n{}", model::run(&plan, Sides::LIBEVENT));
        println!("our side:\n{}", model::run(&plan, Sides::OURS));
        match Comparator::start(self.libevent_runner)?.run(program)? {
            Ok(used) => {
                for (bit, difference) in DIFFERENCES.iter().enumerate() {
                    if used & 1 << bit != 0 {
                        let Difference { name, libevent, ours, .. } = difference;
                        println!("{name}: libevent: {libevent}; ours: {ours}");
                    }
                }
                Ok(true)
            }
            Err(mismatch) => {
                println!("{:?}:\n{}", mismatch.side, mismatch.excerpt());
                Ok(false)
            }
        }
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self { programs: 0, identical: 0, uses: [0; DIFFERENCES.len()], failure: None }
    }
}

impl Tally {
    fn count(&mut self, seed: u64, compared: Result<u64, Mismatch>) {
        self.programs += 1;
        match compared {
            Ok(0) => self.identical += 1,
            Ok(used) => {
                for (bit, uses) in self.uses.iter_mut().enumerate() {
                    *uses += used >> bit & 1;
                }
            }
            Err(mismatch) => self.add_failure(seed, mismatch),
        }
    }

    fn add_failure(&mut self, seed: u64, mismatch: Mismatch) {
        if self.failure.as_ref().is_none_or(|(lowest, _)| seed < *lowest) {
            self.failure = Some((seed, mismatch));
        }
    }

    fn add(&mut self, other: Self) {
        self.programs += other.programs;
        self.identical += other.identical;
        for (sum, uses) in self.uses.iter_mut().zip(other.uses) {
            *sum += uses;
        }
        if let Some((seed, mismatch)) = other.failure {
            self.add_failure(seed, mismatch);
        }
    }
}
