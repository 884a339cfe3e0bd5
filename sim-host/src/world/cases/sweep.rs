//! A sweep: simulations over a range of seeds, on one or more threads.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::world::cases::any_test_case::AnyTestCase;
use crate::world::cases::simulator::Simulator;
use crate::world::choices::kinds::{FaultKind, ServerFaultKind};
use crate::world::choices::random::mix;
use crate::world::choices::scenario::Scenario;
use crate::world::simulation::verdict::{Kind, Outcome};
use crate::world::simulation::waits::Waits;

/// The settings of a sweep.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// The seeds.
    pub seeds: Range<u64>,
    /// Stops the sweep early after this time.
    pub time: Option<Duration>,
    /// The number of threads.
    pub jobs: usize,
    /// Runs one in twenty seeds twice and compares the outcomes.
    pub check: bool,
    /// The configuration of all simulations. If `None`, the configuration of each simulation is chosen at random from
    /// its seed.
    pub scenario: Option<Scenario>,
}

/// A seed whose simulation failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// The outcome of the simulation.
    pub outcome: Outcome,
}

/// The result of a sweep.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// The number of seeds run.
    pub seeds: u64,
    /// The number of simulations that ended with each kind of verdict, in [`Kind`]'s order.
    pub verdicts: [u64; Kind::ALL.len()],
    /// The number of simulations that failed.
    pub failed: u64,
    /// The number of seeds run twice.
    pub checked: u64,
    /// The seeds whose second run differed from the first run.
    pub diverged: Vec<u64>,
    /// The failures with the lowest seeds, at most five of each kind of verdict.
    pub failures: Vec<Failure>,
    /// The sum of the simulated times of all simulations, in microseconds.
    pub simulated: u128,
    /// The number of frames sent in all simulations.
    pub frames: u64,
    /// The number of callbacks run in all simulations.
    pub callbacks: u64,
    /// The number of clients served in all simulations.
    pub served: u64,
    /// How long clients waited until they were served.
    pub waited: Waits,
    /// The number of times each kind of fault had an effect.
    pub fault_counts: [u64; FaultKind::ALL.len()],
    /// The number of simulations in which each kind of fault had an effect.
    pub simulations_with_fault: [u64; FaultKind::ALL.len()],
    /// The number of connections that servers have accepted in all simulations.
    pub accepted: u64,
    /// The number of times each kind of server fault began.
    pub server_fault_counts: [u64; ServerFaultKind::ALL.len()],
    /// The number of simulations in which each kind of server fault began.
    pub simulations_with_server_fault: [u64; ServerFaultKind::ALL.len()],
    /// The real time that the sweep took.
    pub took: Duration,
    /// A digest of all simulations. The order of the simulations does not affect the digest.
    pub digest: u64,
}

/// The maximum number of failures kept for each kind of verdict.
const KEPT: usize = 5;
/// The number of seeds that a thread takes at a time.
const CHUNK: u64 = 64;

impl Sweep {
    /// Returns a sweep over seeds on one thread.
    pub const fn over(seeds: Range<u64>) -> Self {
        Self { seeds, time: None, jobs: 1, check: false, scenario: None }
    }

    /// Runs the sweep. Calls `progress` about every 20 ms on the caller's thread.
    pub fn run(&self, case: &dyn AnyTestCase, mut progress: impl FnMut(&Tally)) -> Tally {
        let began = Instant::now();
        let next = AtomicU64::new(self.seeds.start);
        let total = Mutex::new(Tally::default());
        let done = AtomicBool::new(false);
        let work = || {
            let mut simulator = Simulator::new();
            while self.time.is_none_or(|time| began.elapsed() < time) {
                let first = next.fetch_add(CHUNK, Ordering::Relaxed);
                if first >= self.seeds.end {
                    break;
                }
                let mut tally = Tally::default();
                for seed in first..self.seeds.end.min(first.saturating_add(CHUNK)) {
                    self.run_seed(case, &mut simulator, seed, &mut tally);
                }
                total.lock().unwrap_or_else(PoisonError::into_inner).add(tally);
            }
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..self.jobs.max(1)).map(|_| scope.spawn(work)).collect();
            let watcher = scope.spawn(|| {
                for worker in workers {
                    // If the worker has panicked, the panic hook has already printed the panic, so the error is
                    // ignored.
                    let _ = worker.join();
                }
                done.store(true, Ordering::Release);
            });
            while !done.load(Ordering::Acquire) {
                thread::sleep(Duration::from_millis(20).min(began.elapsed() / 4));
                let mut now = total.lock().unwrap_or_else(PoisonError::into_inner).clone();
                now.took = began.elapsed();
                progress(&now);
            }
            let _ = watcher.join();
        });
        let mut tally = total.into_inner().unwrap_or_else(PoisonError::into_inner);
        tally.took = began.elapsed();
        tally.failures.sort_by_key(|failure| failure.seed);
        tally.diverged.sort_unstable();
        tally
    }

    fn run_seed(
        &self,
        case: &dyn AnyTestCase,
        simulator: &mut Simulator,
        seed: u64,
        tally: &mut Tally,
    ) {
        let take = |simulator: &mut Simulator| match &self.scenario {
            Some(scenario) => simulator.take_scenario(scenario, seed),
            None => simulator.take_seed(seed),
        };
        take(simulator);
        let outcome = case.run(simulator);
        if self.check && mix(seed).is_multiple_of(20) {
            take(simulator);
            tally.checked += 1;
            if case.run(simulator) != outcome {
                tally.diverged.push(seed);
            }
        }
        tally.count(seed, outcome);
    }
}

impl Tally {
    fn count(&mut self, seed: u64, outcome: Outcome) {
        self.seeds += 1;
        self.simulated += u128::from(outcome.lasted);
        self.frames += outcome.frames;
        self.callbacks += outcome.callbacks;
        self.served += u64::from(outcome.served);
        self.waited.add(&outcome.waited);
        self.verdicts[outcome.verdict.kind() as usize] += 1;
        sum(&mut self.fault_counts, outcome.fault_counts.map(u64::from));
        sum(
            &mut self.simulations_with_fault,
            outcome.fault_counts.map(|count| u64::from(count > 0)),
        );
        self.accepted += u64::from(outcome.accepted);
        sum(&mut self.server_fault_counts, outcome.server_fault_counts.map(u64::from));
        sum(
            &mut self.simulations_with_server_fault,
            outcome.server_fault_counts.map(|count| u64::from(count > 0)),
        );
        self.digest = self.digest.wrapping_add(mix(outcome.digest ^ mix(seed)));
        if !outcome.verdict.is_pass() {
            self.failed += 1;
            self.keep(Failure { seed, outcome });
        }
    }

    fn add(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.failed += other.failed;
        self.checked += other.checked;
        self.diverged.extend(other.diverged);
        self.simulated += other.simulated;
        self.frames += other.frames;
        self.callbacks += other.callbacks;
        self.served += other.served;
        self.digest = self.digest.wrapping_add(other.digest);
        self.waited.add(&other.waited);
        sum(&mut self.verdicts, other.verdicts);
        self.accepted += other.accepted;
        sum(&mut self.server_fault_counts, other.server_fault_counts);
        sum(&mut self.simulations_with_server_fault, other.simulations_with_server_fault);
        sum(&mut self.fault_counts, other.fault_counts);
        sum(&mut self.simulations_with_fault, other.simulations_with_fault);
        other.failures.into_iter().for_each(|failure| self.keep(failure));
    }

    /// Stores a failure. Of each kind of verdict, only the [`KEPT`] failures with the lowest seeds are kept.
    fn keep(&mut self, failure: Failure) {
        let kind = failure.outcome.verdict.kind();
        self.failures.push(failure);
        let of_kind = |failure: &Failure| failure.outcome.verdict.kind() == kind;
        if self.failures.iter().filter(|failure| of_kind(failure)).count() > KEPT {
            let same = self.failures.iter().enumerate().filter(|(_, failure)| of_kind(failure));
            if let Some((last, _)) = same.max_by_key(|(_, failure)| failure.seed) {
                self.failures.swap_remove(last);
            }
        }
    }

    /// Returns the seeds run per second.
    pub fn rate(&self) -> f64 {
        self.seeds as f64 / self.took.as_secs_f64().max(1e-9)
    }

    /// Returns the ratio of the simulated time of all simulations to the real time of the sweep.
    pub fn speed(&self) -> f64 {
        self.simulated as f64 / 1e6 / self.took.as_secs_f64().max(1e-9)
    }

    /// Returns the worst kind of verdict among the failures, or [`Kind::Pass`] if there is no failure. The worst kind
    /// determines the command's exit status.
    pub fn worst(&self) -> Kind {
        let kinds = self.failures.iter().map(|failure| failure.outcome.verdict.kind());
        kinds.min().unwrap_or(Kind::Pass)
    }
}

fn sum<const N: usize>(sums: &mut [u64; N], more: [u64; N]) {
    sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}
