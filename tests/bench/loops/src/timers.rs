//! Workload W2: the cost of adding, moving, cancelling and firing timers. Workload W2i: the cost of restarting a
//! pending timer.
//!
//! The order and the delays of the timers are chosen at random and are the same for all contenders. W2 chooses a new
//! order and new delays in each round. All phases except the firing run in a callback of the loop, because applications
//! arm timers in callbacks. In a callback, the loop's time does not advance.
//!
//! ```text
//!   add      every timer, 1 s to 1001 s from now
//!   re-arm   every pending timer, to another such time, in another order
//!   cancel   half of them, in another order
//!   (near)   every timer to 0 to 3 ms from now: half of them pending, half not
//!   fire     8 ms later, from the return to the loop to the last callback
//! ```

mod calloop;
mod heap;
mod no_timers;
mod picoevent;
mod wheel;

use std::hint::black_box;
use std::process::exit;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::{ValueEnum, value_parser};
use fastrand::Rng;

use crate::clock::timed;

/// The operations on timers. The operations run in a callback of the loop, so the loop's time does not advance.
pub trait Operations {
    /// Makes each timer in `which` pending, with a deadline `ms` milliseconds from now. A timer may already be pending.
    fn set(&mut self, which: &[u32], ms: &[u32]);

    /// Makes each timer in `which` not pending.
    fn cancel(&mut self, which: &[u32]);

    /// Updates the loop's time.
    fn refresh(&mut self);
}

/// A loop with timers.
pub trait Timers: Operations {
    /// Calls the body from a callback of the loop. Returns how many timers have fired since the
    /// loop was opened.
    fn in_callback(&mut self, body: &mut dyn FnMut(&mut dyn Operations)) -> u64;

    /// Lets due timers fire. Returns how many timers have fired since the loop was opened.
    fn iterate(&mut self) -> Result<u64>;
}

/// The body of a run: a function that uses an open loop.
pub type Body<'b> = &'b mut dyn FnMut(&mut dyn Timers) -> Result<()>;

/// Opens a loop with this number of timers, calls the body with the loop, and closes the loop.
pub type Run = Box<dyn Fn(u32, Body<'_>) -> Result<()>>;

/// A contender.
pub struct Contender {
    /// The contender's name in tables.
    pub name: &'static str,
    /// The largest number of timers with which the contender is run.
    pub max_timers: u32,
    /// The only delay that the contender's timers can have, in milliseconds. Zero if any delay is possible.
    pub only_ms: u32,
    /// Opens the contender's loop, calls a body with the loop, and closes the loop.
    pub run: Run,
}

/// A phase of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
#[value(rename_all = "verbatim")]
pub enum Phase {
    /// Opening the loop, nothing else.
    Open,
    /// Adding timers.
    Add,
    /// Moving pending timers.
    Rearm,
    /// Cancelling half of the timers.
    Cancel,
    /// Setting all timers to deadlines within the next 3 ms.
    Near,
    /// Firing all timers.
    Fire,
}

/// The settings of W2.
#[derive(clap::Args)]
pub struct Settings {
    /// Number of timers
    #[arg(long, default_value = "100", value_parser = value_parser!(u32).range(1..))]
    pub timers: u32,
    /// Number of rounds
    #[arg(long, default_value = "1")]
    pub rounds: u32,
    /// The seed of delays and of the contenders' order
    #[arg(long, default_value = "1")]
    pub seed: u64,
    // To count the instructions of a phase, a run that ends before the phase is compared with a run that ends after the
    // phase. No run closes the loop, because the cost of closing would differ too.
    /// Exit after this phase, without closing the loop; by default all phases run
    #[arg(long, value_enum)]
    pub until: Option<Phase>,
}

/// The settings of W2i.
#[derive(clap::Args)]
pub struct IdleSettings {
    /// Number of one-minute timers
    #[arg(long, default_value = "100", value_parser = value_parser!(u32).range(1..))]
    pub timers: u32,
    /// How often a timer is restarted
    #[arg(long, default_value = "10000")]
    pub operations: u32,
    /// Number of rounds
    #[arg(long, default_value = "1")]
    pub rounds: u32,
    /// The seed of the timers' order and of the contenders' order
    #[arg(long, default_value = "1")]
    pub seed: u64,
}

/// The delay of W2i, in milliseconds.
const MINUTE: u32 = 60_000;

/// The number of restarts between two updates of the loop's time.
const RESTARTS_PER_UPDATE: usize = 64;

/// The time to wait before the timers fire. This time is longer than the longest delay of the phase [`Phase::Near`],
/// even if the loop rounds the delay up.
const FIRE_DELAY: Duration = Duration::from_millis(8);

/// The time limit for firing all timers.
const FIRE_TIMEOUT: Duration = Duration::from_secs(60);

impl Contender {
    fn new(
        name: &'static str,
        max_timers: u32,
        run: impl Fn(u32, Body<'_>) -> Result<()> + 'static,
    ) -> Self {
        Self { name, max_timers, only_ms: 0, run: Box::new(run) }
    }
}

/// Returns the contenders of W2 in this program.
pub fn contenders() -> Vec<Contender> {
    vec![
        Contender::new("picoevent", 65_535, picoevent::run),
        // calloop visits every timer for each change, so a larger run would take minutes.
        Contender::new("calloop", 10_000, calloop::run),
        Contender::new("a binary heap by hand", u32::MAX, heap::run),
        Contender::new("a wheel by hand", u32::MAX, wheel::run),
    ]
}

/// Returns the contenders of W2i.
pub fn idle_contenders() -> Vec<Contender> {
    let mut all = contenders();
    all.push(Contender::new("no timers", u32::MAX, no_timers::run));
    all
}

/// The random orders and delays of a round.
struct RandomInput {
    in_order: Vec<u32>,
    rearm: Vec<u32>,
    cancel: Vec<u32>,
    first: Vec<u32>,
    second: Vec<u32>,
    near: Vec<u32>,
}

impl RandomInput {
    fn new(count: u32, random: &mut Rng) -> Self {
        let mut times = |from, span| (0..count).map(|_| from + random.u32(..span)).collect();
        let (first, second, near) = (times(1_000, 1_000_000), times(1_000, 1_000_000), times(0, 4));
        let mut order = || {
            let mut order: Vec<u32> = (0..count).collect();
            random.shuffle(&mut order);
            order
        };
        let (rearm, mut cancel) = (order(), order());
        cancel.truncate(count as usize / 2);
        Self { in_order: (0..count).collect(), rearm, cancel, first, second, near }
    }
}

/// Runs W2. Writes one line for each contender, round and phase: the name, the round, the phase and
/// nanoseconds per timer.
pub fn measure(settings: &Settings, contenders: &[Contender]) -> Result<()> {
    let mut random = Rng::with_seed(settings.seed);
    let takes_part = |each: &&Contender| settings.timers <= each.max_timers && each.only_ms == 0;
    let mut order: Vec<_> = contenders.iter().filter(takes_part).collect();
    order.iter().try_for_each(|each| check_cancel(each).context(each.name))?;
    for round in 0..settings.rounds {
        let input = RandomInput::new(settings.timers, &mut random);
        random.shuffle(&mut order);
        for contender in &order {
            for (phase, nanos) in time_of(contender, settings, &input).context(contender.name)? {
                println!("{}\t{round}\t{phase:?}\t{nanos:.2}", contender.name);
            }
        }
    }
    Ok(())
}

fn time_of(
    contender: &Contender,
    settings: &Settings,
    input: &RandomInput,
) -> Result<Vec<(Phase, f64)>> {
    let mut took = Vec::new();
    (contender.run)(settings.timers, &mut |timers| {
        let fired_early = timers.in_callback(&mut |operations| {
            let mut phase = |phase, count: usize, work: &mut dyn FnMut()| {
                if settings.until.is_none_or(|last| phase <= last) {
                    took.push((phase, timed(work).1 / count as f64));
                }
            };
            let all = input.in_order.len();
            phase(Phase::Add, all, &mut || operations.set(&input.in_order, &input.first));
            phase(Phase::Rearm, all, &mut || operations.set(&input.rearm, &input.second));
            phase(Phase::Cancel, input.cancel.len(), &mut || operations.cancel(&input.cancel));
            phase(Phase::Near, all, &mut || operations.set(&input.in_order, &input.near));
            exit_if(settings.until.is_some_and(|last| last < Phase::Fire));
        });
        if settings.until.is_none_or(|last| last == Phase::Fire) {
            sleep(FIRE_DELAY);
            // Timers that fire before the clock starts would not be measured.
            ensure!(
                fired_early == 0,
                "{fired_early} timers fired in the iteration in which they were set"
            );
            let (fired, nanos) = timed(|| fire(timers, settings.timers.into()));
            fired?;
            took.push((Phase::Fire, nanos / f64::from(settings.timers)));
            exit_if(settings.until == Some(Phase::Fire));
            let fired = timers.iterate()?;
            ensure!(
                fired == u64::from(settings.timers),
                "{fired} timers fired of {}",
                settings.timers
            );
        }
        Ok(())
    })?;
    Ok(took)
}

/// Exits the process at once if `is_over`.
fn exit_if(is_over: bool) {
    if is_over {
        exit(0);
    }
}

/// Runs iterations of the loop until `expected` timers have fired.
fn fire(timers: &mut dyn Timers, expected: u64) -> Result<()> {
    let start = Instant::now();
    loop {
        let fired = timers.iterate()?;
        if fired >= expected {
            return Ok(());
        }
        ensure!(start.elapsed() < FIRE_TIMEOUT, "{fired} timers fired of {expected}");
    }
}

/// Checks that cancelled timers do not fire and that all other timers fire.
fn check_cancel(contender: &Contender) -> Result<()> {
    (contender.run)(10, &mut |timers| {
        let (all, soon): (Vec<u32>, _) = ((0..10).collect(), [1; 10]);
        timers.in_callback(&mut |operations| {
            operations.set(&all, &soon);
            operations.cancel(&all[3..8]);
        });
        sleep(FIRE_DELAY);
        fire(timers, 5)?;
        let fired = timers.iterate()?;
        ensure!(fired == 5, "{fired} timers fired of 10, of which 5 were cancelled");
        Ok(())
    })
}

/// Runs W2i. Writes one line for each contender and round: the name, the round and nanoseconds per
/// restart.
pub fn measure_idle(settings: &IdleSettings, contenders: &[Contender]) -> Result<()> {
    let mut random = Rng::with_seed(settings.seed);
    let in_order: Vec<u32> = (0..settings.timers).collect();
    let which: Vec<u32> = (0..settings.operations).map(|_| random.u32(..settings.timers)).collect();
    let minutes = vec![MINUTE; in_order.len().max(RESTARTS_PER_UPDATE)];
    let takes_part = |each: &&Contender| {
        settings.timers <= each.max_timers && [0, MINUTE].contains(&each.only_ms)
    };
    let mut order: Vec<_> = contenders.iter().filter(takes_part).collect();
    for round in 0..settings.rounds {
        random.shuffle(&mut order);
        for contender in &order {
            let mut nanos = None;
            let run = (contender.run)(settings.timers, &mut |timers| {
                timers.in_callback(&mut |operations| {
                    operations.set(&in_order, &minutes);
                    let ((), took) = timed(|| {
                        for some in which.chunks(RESTARTS_PER_UPDATE) {
                            operations.set(black_box(some), &minutes);
                            operations.refresh();
                        }
                    });
                    nanos = Some(took / f64::from(settings.operations));
                });
                let fired = timers.iterate()?;
                ensure!(fired == 0, "{fired} timers of a minute fired within the run");
                Ok(())
            });
            run.context(contender.name)?;
            let nanos = nanos.context("the loop was not run").context(contender.name)?;
            println!("{}\t{round}\t{nanos:.2}", contender.name);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contender_fires_every_timer() {
        let settings = Settings { timers: 100, rounds: 2, seed: 1, until: None };
        measure(&settings, &contenders()).unwrap();
    }

    #[test]
    fn every_contender_restarts_timers() {
        let settings = IdleSettings { timers: 100, operations: 1_000, rounds: 2, seed: 1 };
        measure_idle(&settings, &idle_contenders()).unwrap();
    }

    /// A wrong contender that ignores cancellation. In the next iteration, it fires all timers that were set.
    struct IgnoresCancel(u64, u64);

    impl Operations for IgnoresCancel {
        fn set(&mut self, which: &[u32], _: &[u32]) {
            self.0 = which.len() as u64;
        }
        fn cancel(&mut self, _: &[u32]) {}
        fn refresh(&mut self) {}
    }

    impl Timers for IgnoresCancel {
        fn in_callback(&mut self, body: &mut dyn FnMut(&mut dyn Operations)) -> u64 {
            body(self);
            self.1
        }
        fn iterate(&mut self) -> Result<u64> {
            self.1 += std::mem::take(&mut self.0);
            Ok(self.1)
        }
    }

    #[test]
    fn a_contender_that_fires_cancelled_timers_fails() {
        let ignores_cancel =
            Contender::new("ignores-cancel", 1_000, |_, body| body(&mut IgnoresCancel(0, 0)));
        let settings = Settings { timers: 100, rounds: 1, seed: 1, until: None };
        let error =
            format!("{:#}", measure(&settings, std::slice::from_ref(&ignores_cancel)).unwrap_err());
        assert_eq!(error, "ignores-cancel: 10 timers fired of 10, of which 5 were cancelled");
        let idle = IdleSettings { timers: 10, operations: 100, rounds: 1, seed: 1 };
        let error = format!("{:#}", measure_idle(&idle, &[ignores_cancel]).unwrap_err());
        assert!(error.contains("timers of a minute fired"), "{error}");
    }

    /// A wrong contender that fires the timers in the same iteration in which they were set.
    struct FiresAtOnce(u64);

    impl Operations for FiresAtOnce {
        fn set(&mut self, which: &[u32], _: &[u32]) {
            self.0 = which.len() as u64;
        }
        fn cancel(&mut self, which: &[u32]) {
            self.0 -= which.len() as u64;
        }
        fn refresh(&mut self) {}
    }

    impl Timers for FiresAtOnce {
        fn in_callback(&mut self, body: &mut dyn FnMut(&mut dyn Operations)) -> u64 {
            body(self);
            self.0
        }
        fn iterate(&mut self) -> Result<u64> {
            Ok(self.0)
        }
    }

    #[test]
    fn a_contender_that_fires_before_the_clock_starts_fails() {
        let fires_at_once =
            Contender::new("fires-at-once", 1_000, |_, body| body(&mut FiresAtOnce(0)));
        let settings = Settings { timers: 100, rounds: 1, seed: 1, until: None };
        let error = format!("{:#}", measure(&settings, &[fires_at_once]).unwrap_err());
        assert_eq!(
            error,
            "fires-at-once: 100 timers fired in the iteration in which they were set"
        );
    }

    #[test]
    fn random_input_covers_every_timer_and_cancels_half() {
        let input = RandomInput::new(100, &mut Rng::with_seed(3));
        let mut rearmed = input.rearm.clone();
        rearmed.sort_unstable();
        assert_eq!(rearmed, input.in_order);
        assert_eq!(input.cancel.len(), 50);
        assert!(input.first.iter().all(|ms| (1_000..1_001_000).contains(ms)));
        assert!(input.near.iter().all(|ms| *ms <= 3));
    }
}
