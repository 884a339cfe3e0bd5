//! W2: what timers cost to add, move, cancel and fire; W2i: what it costs to begin one again.
//!
//! Which timers, in which order and for how long is drawn once and is the same for everybody, so
//! no contestant pays for luck. All but the firing happens in a callback of the loop, where its
//! time stands still, as it does when an application arms timers.
//!
//! ```text
//!   add      every timer, 1 s to 1001 s from now
//!   re-arm   every timer, pending as it is, to another such time, in another order
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

/// What is done with timers while the loop's time stands still.
pub trait Verbs {
    /// Makes each of the timers pending, `ms` from now, whether it is pending or not.
    fn set(&mut self, which: &[u32], ms: &[u32]);

    /// Makes each of the timers not pending.
    fn cancel(&mut self, which: &[u32]);

    /// Brings the loop's time up to date.
    fn refresh(&mut self);
}

/// A loop with timers.
pub trait Timers: Verbs {
    /// Has the body called by the loop, and answers how many have fired since it was opened.
    fn within(&mut self, body: &mut dyn FnMut(&mut dyn Verbs)) -> u64;

    /// Lets timers fire that are due, and answers the same.
    fn turn(&mut self) -> Result<u64>;
}

/// What is done with a loop while it is open.
pub type Body<'b> = &'b mut dyn FnMut(&mut dyn Timers) -> Result<()>;

/// Opens a loop with so many timers, has the body done, and closes it.
pub type Run = Box<dyn Fn(u32, Body<'_>) -> Result<()>>;

/// One contestant.
pub struct Contestant {
    /// Its name in tables.
    pub name: &'static str,
    /// How many timers it is given at most.
    pub most: u32,
    /// The one delay that its timers can have; zero when they can have any.
    pub only_ms: u32,
    /// Opens its loop for a body.
    pub run: Run,
}

/// A phase of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
#[value(rename_all = "verbatim")]
pub enum Phase {
    /// Nothing but opening.
    Open,
    /// Timers are added.
    Add,
    /// Pending ones are moved.
    Rearm,
    /// Half of them are cancelled.
    Cancel,
    /// All are set to times that are near.
    Near,
    /// All fire.
    Fire,
}

/// How it is to be.
#[derive(clap::Args)]
pub struct Task {
    /// How many timers there are.
    #[arg(long, default_value = "100", value_parser = value_parser!(u32).range(1..))]
    pub timers: u32,
    /// How often everyone has a turn.
    #[arg(long, default_value = "1")]
    pub rounds: u32,
    /// The seed of delays and of the order of turns.
    #[arg(long, default_value = "1")]
    pub seed: u64,
    /// The phase behind which the process ends, without closing the loop, so that the instructions
    /// of two such runs differ by a phase and nothing else; by default it is a whole run.
    #[arg(long, value_enum)]
    pub until: Option<Phase>,
}

/// How W2i is to be.
#[derive(clap::Args)]
pub struct Idle {
    /// How many timers there are, each of a minute.
    #[arg(long, default_value = "100", value_parser = value_parser!(u32).range(1..))]
    pub timers: u32,
    /// How often one of them is begun again.
    #[arg(long, default_value = "10000")]
    pub operations: u32,
    /// How often everyone has a turn.
    #[arg(long, default_value = "1")]
    pub rounds: u32,
    /// The seed of which one, and of the order of turns.
    #[arg(long, default_value = "1")]
    pub seed: u64,
}

/// The delay of W2i, in milliseconds.
const MINUTE: u32 = 60_000;

/// After so many times that a timer is begun again the loop's time is brought up to date.
const BETWEEN_CLOCKS: usize = 64;

/// Longer than the longest of the near times, in the loop's own way of rounding.
const FIRING: Duration = Duration::from_millis(8);

/// A loop that has not fired everything after this time never will.
const GIVEN_UP: Duration = Duration::from_secs(20);

impl Contestant {
    fn new(
        name: &'static str,
        most: u32,
        run: impl Fn(u32, Body<'_>) -> Result<()> + 'static,
    ) -> Self {
        Self { name, most, only_ms: 0, run: Box::new(run) }
    }
}

/// The contestants of W2 that are part of this program.
pub fn contestants() -> Vec<Contestant> {
    vec![
        Contestant::new("picoevent", 65_535, picoevent::run),
        // It looks at every timer for each change, so a larger run would take minutes.
        Contestant::new("calloop", 10_000, calloop::run),
        Contestant::new("a binary heap by hand", u32::MAX, heap::run),
        Contestant::new("a wheel by hand", u32::MAX, wheel::run),
    ]
}

/// Those of W2i.
pub fn idle_contestants() -> Vec<Contestant> {
    let mut all = contestants();
    all.push(Contestant::new("no timers", u32::MAX, nothing::run));
    all
}

/// What is drawn for a run.
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

/// Plays, and writes one line for each contestant, round and phase: the name, the round, the phase
/// and nanoseconds for each timer.
pub fn play(task: &Task, contestants: &[Contestant]) -> Result<()> {
    let mut random = Rng::with_seed(task.seed);
    let can = |each: &&Contestant| task.timers <= each.most && each.only_ms == 0;
    let mut order: Vec<_> = contestants.iter().filter(can).collect();
    order.iter().try_for_each(|each| check_cancel(each).context(each.name))?;
    for round in 0..task.rounds {
        let draw = Draw::new(task.timers, &mut random);
        random.shuffle(&mut order);
        for contestant in &order {
            for (phase, nanos) in turn_of(contestant, task, &draw).context(contestant.name)? {
                println!("{}\t{round}\t{phase:?}\t{nanos:.2}", contestant.name);
            }
        }
    }
    Ok(())
}

fn turn_of(contestant: &Contestant, task: &Task, draw: &Draw) -> Result<Vec<(Phase, f64)>> {
    let mut took = Vec::new();
    (contestant.run)(task.timers, &mut |timers| {
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
            // What fired before the clock starts would be for nothing.
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

/// Ends the process, as it is.
fn leave_if(over: bool) {
    if over {
        exit(0);
    }
}

/// Turns until as many have fired.
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

/// Sees that what is cancelled does not fire and the rest does.
fn check_cancel(contestant: &Contestant) -> Result<()> {
    (contestant.run)(10, &mut |timers| {
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

/// Plays W2i, and writes one line for each contestant and round: the name, the round and
/// nanoseconds for each time a timer was begun again.
pub fn play_idle(task: &Idle, contestants: &[Contestant]) -> Result<()> {
    let mut random = Rng::with_seed(task.seed);
    let in_order: Vec<u32> = (0..task.timers).collect();
    let which: Vec<u32> = (0..task.operations).map(|_| random.u32(..task.timers)).collect();
    let minutes = vec![MINUTE; in_order.len().max(BETWEEN_CLOCKS)];
    let can = |each: &&Contestant| task.timers <= each.most && [0, MINUTE].contains(&each.only_ms);
    let mut order: Vec<_> = contestants.iter().filter(can).collect();
    for round in 0..task.rounds {
        random.shuffle(&mut order);
        for contestant in &order {
            let mut nanos = None;
            let run = (contestant.run)(task.timers, &mut |timers| {
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
            run.context(contestant.name)?;
            let nanos = nanos.context("the loop was not run").context(contestant.name)?;
            println!("{}\t{round}\t{nanos:.2}", contestant.name);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contestant_fires_every_timer() {
        let task = Task { timers: 100, rounds: 2, seed: 1, until: None };
        play(&task, &contestants()).unwrap();
    }

    #[test]
    fn every_contestant_begins_timers_again() {
        let task = Idle { timers: 100, operations: 1_000, rounds: 2, seed: 1 };
        play_idle(&task, &idle_contestants()).unwrap();
    }

    /// Fires at the first turn whatever was set, cancelled or not.
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
    fn a_contestant_that_fires_what_was_cancelled_fails() {
        let deaf = Contestant::new("deaf", 1_000, |_, body| body(&mut Deaf(0, 0)));
        let task = Task { timers: 100, rounds: 1, seed: 1, until: None };
        let said = format!("{:#}", play(&task, std::slice::from_ref(&deaf)).unwrap_err());
        assert_eq!(said, "deaf: 10 timers fired of 10, of which 5 were cancelled");
        let idle = Idle { timers: 10, operations: 100, rounds: 1, seed: 1 };
        let said = format!("{:#}", play_idle(&idle, &[deaf]).unwrap_err());
        assert!(said.contains("timers of a minute fired"), "{said}");
    }

    /// Fires all that was set before the loop's turn is over.
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
    fn a_contestant_that_fires_before_the_clock_starts_fails() {
        let hasty = Contestant::new("hasty", 1_000, |_, body| body(&mut Hasty(0)));
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
