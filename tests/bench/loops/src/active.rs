//! Workload W1U: events without a source. Each event activates itself again in its callback.
//!
//! The workload measures the path of an event through a loop without system calls, from the activation to the callback.
//! libevent and libev call a self-activating event again in the same pass, so they need a single pass. picoevent first
//! ends the pass and checks for new events (see `docs/decisions/0003`).

mod by_hand;
mod calloop;
mod picoevent;

use anyhow::{Context, Result, ensure};
use clap::value_parser;
use fastrand::Rng;

use crate::clock::timed;

/// A loop with events.
pub trait Active {
    /// Activates each event, and runs the loop until `callbacks` callbacks have run. Returns how many callbacks have
    /// run.
    fn run(&mut self, callbacks: u64) -> Result<u64>;
}

/// The body of a run: a function that uses an open loop.
pub type Body<'b> = &'b mut dyn FnMut(&mut dyn Active) -> Result<()>;

/// Opens a loop with this number of events, calls the body with the loop, and closes the loop.
pub type Run = Box<dyn Fn(u32, Body<'_>) -> Result<()>>;

/// A contender.
pub struct Contender {
    /// The contender's name in tables.
    pub name: &'static str,
    /// Opens the contender's loop, calls a body with the loop, and closes the loop.
    pub run: Run,
}

/// The settings of the workload.
#[derive(clap::Args)]
pub struct Settings {
    /// Number of events
    #[arg(long, default_value = "64", value_parser = value_parser!(u32).range(1..))]
    pub events: u32,
    /// Number of callbacks in all
    #[arg(long, default_value = "10000")]
    pub callbacks: u64,
    /// Number of rounds
    #[arg(long, default_value = "1")]
    pub rounds: u32,
    /// The seed of the contenders' order
    #[arg(long, default_value = "1")]
    pub seed: u64,
}

impl Contender {
    fn new(name: &'static str, run: impl Fn(u32, Body<'_>) -> Result<()> + 'static) -> Self {
        Self { name, run: Box::new(run) }
    }
}

/// Returns the contenders of this program.
pub fn contenders() -> Vec<Contender> {
    vec![
        Contender::new("picoevent's core", picoevent::run_core),
        Contender::new("picoevent", picoevent::run_live),
        Contender::new("calloop insert_idle", calloop::run),
        Contender::new("a queue by hand", by_hand::run),
    ]
}

/// Runs the workload. Writes one line for each contender and round: the name, the round, and
/// nanoseconds per callback.
///
/// # Errors
/// If a contender fails or makes a wrong number of calls.
pub fn measure(settings: &Settings, contenders: &[Contender]) -> Result<()> {
    let mut order: Vec<_> = contenders.iter().collect();
    let Settings { events, callbacks, .. } = *settings;
    ensure!(u64::from(events) <= callbacks, "there can be 1 to {callbacks} events");
    let mut random = Rng::with_seed(settings.seed);
    for round in 0..settings.rounds {
        random.shuffle(&mut order);
        for contender in &order {
            let nanos = time_of(contender, settings).context(contender.name)?;
            println!("{}\t{round}\t{nanos:.2}", contender.name);
        }
    }
    Ok(())
}

fn time_of(contender: &Contender, settings: &Settings) -> Result<f64> {
    let Settings { events, callbacks, .. } = *settings;
    let mut nanos = None;
    (contender.run)(events, &mut |active| {
        // Warms up caches and branch predictors before the clock starts.
        active.run(u64::from(events) * 8)?;
        let (called, took) = timed(|| active.run(callbacks));
        let called = called?;
        nanos = Some(took / callbacks as f64);
        ensure!(called == callbacks, "{called} callbacks were made instead of {callbacks}");
        Ok(())
    })?;
    nanos.context("the loop was not run")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contender_makes_every_call() {
        for events in [1, 64] {
            let settings = Settings { events, callbacks: 1_000, rounds: 2, seed: 1 };
            measure(&settings, &contenders()).unwrap();
        }
    }

    #[test]
    fn a_contender_that_misses_one_call_fails() {
        struct MissesOne;
        impl Active for MissesOne {
            fn run(&mut self, callbacks: u64) -> Result<u64> {
                Ok(callbacks - 1)
            }
        }
        let misses_one = Contender::new("misses-one", |_, body| body(&mut MissesOne));
        let settings = Settings { events: 1, callbacks: 1_000, rounds: 1, seed: 1 };
        let error = format!("{:#}", measure(&settings, &[misses_one]).unwrap_err());
        assert_eq!(error, "misses-one: 999 callbacks were made instead of 1000");
    }
}
