//! W2: the cost of adding, moving, cancelling and firing timers. W2i: the cost of restarting a pending timer.
//!
//! The order and the delays of the timers are drawn at random and are the same for all contenders. W2 draws them again
//! in each round. Everything but the firing happens in a callback of the loop, where the loop's time stands still, as
//! when an application arms timers.
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
mod nothing;
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

/// Verbs on timers while the loop's time stands still.
pub trait Verbs {
    /// Makes each of the timers pending, `ms` from now, whether or not it is pending already.
    fn set(&mut self, which: &[u32], ms: &[u32]);

    /// Makes each of the timers not pending.
    fn cancel(&mut self, which: &[u32]);

    /// Updates the loop's time.
    fn refresh(&mut self);
}

/// A loop with timers.
pub trait Timers: Verbs {
    /// Calls the body from a callback of the loop. Returns how many timers have fired since the
    /// loop was opened.
    fn within(&mut self, body: &mut dyn FnMut(&mut dyn Verbs)) -> u64;

    /// Lets due timers fire. Returns how many timers have fired since the loop was opened.
    fn turn(&mut self) -> Result<u64>;
}

/// The work on an open loop.
pub type Body<'b> = &'b mut dyn FnMut(&mut dyn Timers) -> Result<()>;

/// Opens a loop with this number of timers, runs the body, and closes the loop.
pub type Run = Box<dyn Fn(u32, Body<'_>) -> Result<()>>;

/// A contender.
pub struct Contender {
    /// Its name in tables.
    pub name: &'static str,
    /// The largest number of timers with which it is run.
    pub most: u32,
    /// The only delay that its timers can have, in milliseconds; zero if any delay is possible.
    pub only_ms: u32,
    /// Opens its loop for a body.
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
    /// Cancelling half of them.
    Cancel,
    /// Setting all of them to near times.
    Near,
    /// Firing all of them.
    Fire,
}

/// The settings.
#[derive(clap::Args)]
pub struct Task {
    /// Number of timers
    #[arg(long, default_value = "100", value_parser = value_parser!(u32).range(1..))]
    pub timers: u32,
    /// Number of rounds
    #[arg(long, default_value = "1")]
    pub rounds: u32,
    /// The seed of delays and of the contenders' order
    #[arg(long, default_value = "1")]
    pub seed: u64,
    /// Exit after this phase without closing the loop, so that the instructions of two runs differ
    /// by one phase only; by default all phases run
    #[arg(long, value_enum)]
    pub until: Option<Phase>,
}

/// The settings of W2i.
#[derive(clap::Args)]
pub struct Idle {
    /// Number of timers of a minute
    #[arg(long, default_value = "100", value_parser = value_parser!(u32).range(1..))]
    pub timers: u32,
    /// How often one of them is restarted
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

/// The number of restarts after which the loop's time is updated.
const BETWEEN_CLOCKS: usize = 64;

/// The time to wait before the timers fire. It is longer than the longest near delay, even if the loop
/// rounds the delay up.
const FIRING: Duration = Duration::from_millis(8);

/// After this time a loop that has not fired all timers has failed.
const GIVEN_UP: Duration = Duration::from_secs(60);

impl Contender {
    fn new(
        name: &'static str,
        most: u32,
        run: impl Fn(u32, Body<'_>) -> Result<()> + 'static,
    ) -> Self {
        Self { name, most, only_ms: 0, run: Box::new(run) }
    }
}

/// Returns the contenders of W2 in this program.
pub fn contenders() -> Vec<Contender> {
    vec![
        Contender::new("picoevent", 65_535, picoevent::run),
        // calloop looks at every timer for each change, so a larger run would take minutes.
        Contender::new("calloop", 10_000, calloop::run),
        Contender::new("a binary heap by hand", u32::MAX, heap::run),
        Contender::new("a wheel by hand", u32::MAX, wheel::run),
    ]
}

/// Returns the contenders of W2i.
pub fn idle_contenders() -> Vec<Contender> {
    let mut all = contenders();
    all.push(Contender::new("no timers", u32::MAX, nothing::run));
    all
}

/// The random draw of a run.
struct Draw {
    in_order: Vec<u32>,
    rearm: Vec<u32>,
    cancel: Vec<u32>,
    first: Vec<u32>,
    second: Vec<u32>,
    near: Vec<u32>,
}

impl Draw {
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
pub fn play(task: &Task, contenders: &[Contender]) -> Result<()> {
    let mut random = Rng::with_seed(task.seed);
    let can = |each: &&Contender| task.timers <= each.most && each.only_ms == 0;
    let mut order: Vec<_> = contenders.iter().filter(can).collect();
    order.iter().try_for_each(|each| check_cancel(each).context(each.name))?;
    for round in 0..task.rounds {
        let draw = Draw::new(task.timers, &mut random);
        random.shuffle(&mut order);
        for contender in &order {
            for (phase, nanos) in turn_of(contender, task, &draw).context(contender.name)? {
                println!("{}\t{round}\t{phase:?}\t{nanos:.2}", contender.name);
            }
        }
    }
    Ok(())
}

fn turn_of(contender: &Contender, task: &Task, draw: &Draw) -> Result<Vec<(Phase, f64)>> {
    let mut took = Vec::new();
    (contender.run)(task.timers, &mut |timers| {
        let early = timers.within(&mut |verbs| {
            let mut phase = |phase, count: usize, work: &mut dyn FnMut()| {
                if task.until.is_none_or(|last| phase <= last) {
                    took.push((phase, timed(work).1 / count as f64));
                }
            };
            let all = draw.in_order.len();
            phase(Phase::Add, all, &mut || verbs.set(&draw.in_order, &draw.first));
            phase(Phase::Rearm, all, &mut || verbs.set(&draw.rearm, &draw.second));
            phase(Phase::Cancel, draw.cancel.len(), &mut || verbs.cancel(&draw.cancel));
            phase(Phase::Near, all, &mut || verbs.set(&draw.in_order, &draw.near));
            leave_if(task.until.is_some_and(|last| last < Phase::Fire));
        });
        if task.until.is_none_or(|last| last == Phase::Fire) {
            sleep(FIRING);
            // Timers that fire before the clock starts would not be measured.
            ensure!(early == 0, "{early} timers fired in the turn in which they were set");
            let (fired, nanos) = timed(|| fire(timers, task.timers.into()));
            fired?;
            took.push((Phase::Fire, nanos / f64::from(task.timers)));
            leave_if(task.until == Some(Phase::Fire));
            let fired = timers.turn()?;
            ensure!(fired == u64::from(task.timers), "{fired} timers fired of {}", task.timers);
        }
        Ok(())
    })?;
    Ok(took)
}

/// Exits the process at once if `over`.
fn leave_if(over: bool) {
    if over {
        exit(0);
    }
}

/// Runs turns of the loop until `expected` timers have fired.
fn fire(timers: &mut dyn Timers, expected: u64) -> Result<()> {
    let start = Instant::now();
    loop {
        let fired = timers.turn()?;
        if fired >= expected {
            return Ok(());
        }
        ensure!(start.elapsed() < GIVEN_UP, "{fired} timers fired of {expected}");
    }
}

/// Checks that cancelled timers do not fire and that all other timers fire.
fn check_cancel(contender: &Contender) -> Result<()> {
    (contender.run)(10, &mut |timers| {
        let (all, soon): (Vec<u32>, _) = ((0..10).collect(), [1; 10]);
        timers.within(&mut |verbs| {
            verbs.set(&all, &soon);
            verbs.cancel(&all[3..8]);
        });
        sleep(FIRING);
        fire(timers, 5)?;
        let fired = timers.turn()?;
        ensure!(fired == 5, "{fired} timers fired of 10, of which 5 were cancelled");
        Ok(())
    })
}

/// Runs W2i. Writes one line for each contender and round: the name, the round and nanoseconds per
/// restart.
pub fn play_idle(task: &Idle, contenders: &[Contender]) -> Result<()> {
    let mut random = Rng::with_seed(task.seed);
    let in_order: Vec<u32> = (0..task.timers).collect();
    let which: Vec<u32> = (0..task.operations).map(|_| random.u32(..task.timers)).collect();
    let minutes = vec![MINUTE; in_order.len().max(BETWEEN_CLOCKS)];
    let can = |each: &&Contender| task.timers <= each.most && [0, MINUTE].contains(&each.only_ms);
    let mut order: Vec<_> = contenders.iter().filter(can).collect();
    for round in 0..task.rounds {
        random.shuffle(&mut order);
        for contender in &order {
            let mut nanos = None;
            let run = (contender.run)(task.timers, &mut |timers| {
                timers.within(&mut |verbs| {
                    verbs.set(&in_order, &minutes);
                    let ((), took) = timed(|| {
                        for some in which.chunks(BETWEEN_CLOCKS) {
                            verbs.set(black_box(some), &minutes);
                            verbs.refresh();
                        }
                    });
                    nanos = Some(took / f64::from(task.operations));
                });
                let fired = timers.turn()?;
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
        let task = Task { timers: 100, rounds: 2, seed: 1, until: None };
        play(&task, &contenders()).unwrap();
    }

    #[test]
    fn every_contender_begins_timers_again() {
        let task = Idle { timers: 100, operations: 1_000, rounds: 2, seed: 1 };
        play_idle(&task, &idle_contenders()).unwrap();
    }

    /// Ignores cancellation: fires everything that was set, at the first turn.
    struct Deaf(u64, u64);

    impl Verbs for Deaf {
        fn set(&mut self, which: &[u32], _: &[u32]) {
            self.0 = which.len() as u64;
        }
        fn cancel(&mut self, _: &[u32]) {}
        fn refresh(&mut self) {}
    }

    impl Timers for Deaf {
        fn within(&mut self, body: &mut dyn FnMut(&mut dyn Verbs)) -> u64 {
            body(self);
            self.1
        }
        fn turn(&mut self) -> Result<u64> {
            self.1 += std::mem::take(&mut self.0);
            Ok(self.1)
        }
    }

    #[test]
    fn a_contender_that_fires_what_was_cancelled_fails() {
        let deaf = Contender::new("deaf", 1_000, |_, body| body(&mut Deaf(0, 0)));
        let task = Task { timers: 100, rounds: 1, seed: 1, until: None };
        let said = format!("{:#}", play(&task, std::slice::from_ref(&deaf)).unwrap_err());
        assert_eq!(said, "deaf: 10 timers fired of 10, of which 5 were cancelled");
        let idle = Idle { timers: 10, operations: 100, rounds: 1, seed: 1 };
        let said = format!("{:#}", play_idle(&idle, &[deaf]).unwrap_err());
        assert!(said.contains("timers of a minute fired"), "{said}");
    }

    /// Fires everything that was set before the loop's turn is over.
    struct Hasty(u64);

    impl Verbs for Hasty {
        fn set(&mut self, which: &[u32], _: &[u32]) {
            self.0 = which.len() as u64;
        }
        fn cancel(&mut self, which: &[u32]) {
            self.0 -= which.len() as u64;
        }
        fn refresh(&mut self) {}
    }

    impl Timers for Hasty {
        fn within(&mut self, body: &mut dyn FnMut(&mut dyn Verbs)) -> u64 {
            body(self);
            self.0
        }
        fn turn(&mut self) -> Result<u64> {
            Ok(self.0)
        }
    }

    #[test]
    fn a_contender_that_fires_before_the_clock_starts_fails() {
        let hasty = Contender::new("hasty", 1_000, |_, body| body(&mut Hasty(0)));
        let task = Task { timers: 100, rounds: 1, seed: 1, until: None };
        let said = format!("{:#}", play(&task, &[hasty]).unwrap_err());
        assert_eq!(said, "hasty: 100 timers fired in the turn in which they were set");
    }

    #[test]
    fn the_draw_is_of_every_timer_and_cancels_half() {
        let draw = Draw::new(100, &mut Rng::with_seed(3));
        let mut rearmed = draw.rearm.clone();
        rearmed.sort_unstable();
        assert_eq!(rearmed, draw.in_order);
        assert_eq!(draw.cancel.len(), 50);
        assert!(draw.first.iter().all(|ms| (1_000..1_001_000).contains(ms)));
        assert!(draw.near.iter().all(|ms| *ms <= 3));
    }
}
