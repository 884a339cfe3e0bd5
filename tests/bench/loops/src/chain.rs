//! W1: tokens in a ring of descriptors, by way of an event loop.
//!
//! The descriptors are opened once. In each round each contestant, in an order of chance, opens its
//! loop over them, sends tokens round to warm up, sends them round against the clock, and closes.
//! Between processes the same loop differs by a tenth or more, by where its memory happens to be;
//! by turns over the same descriptors all have the same luck.

pub mod ring;

mod calloop;
mod mio;
mod picoevent;
mod sys;

use std::os::fd::BorrowedFd;

use anyhow::{Context, Result, ensure};
use clap::value_parser;
use fastrand::Rng;

use crate::clock::timed;
use ring::{Fault, Kind, Ring};

/// What a contestant gets to watch: calls `ready(ring, index)` when the descriptor with that index
/// can be read.
pub struct Watch<'r> {
    /// The descriptors.
    pub descriptors: Vec<BorrowedFd<'r>>,
    /// Who is told.
    pub ring: &'r Ring,
    /// How.
    pub ready: fn(&Ring, u32),
    /// How many tokens go round.
    pub tokens: u32,
}

/// A loop that watches.
pub trait Chain {
    /// Looks for news without waiting, and calls who is concerned.
    fn turn(&mut self) -> Result<()>;
}

/// What is done with a loop while it is open.
pub type Body<'b> = &'b mut dyn FnMut(&mut dyn Chain) -> Result<()>;

/// Opens a loop over descriptors, has the body done, and closes it.
pub type Run = Box<dyn Fn(&Watch<'_>, Body<'_>) -> Result<()>>;

/// One contestant.
pub struct Contestant {
    /// Its name in tables.
    pub name: &'static str,
    /// Descriptors that it opens for each it watches.
    pub beside: u64,
    /// Opens its loop for a body.
    pub run: Run,
}

/// How it is to be.
#[derive(clap::Args)]
pub struct Task {
    /// What pairs are.
    #[arg(long, value_enum, default_value = "eventfd")]
    pub kind: Kind,
    /// How many.
    #[arg(long, default_value = "100", value_parser = value_parser!(u32).range(1..))]
    pub pairs: u32,
    /// How many tokens go round at once.
    #[arg(long, default_value = "1")]
    pub tokens: u32,
    /// How often they are passed on before the clock starts.
    #[arg(long, default_value = "1000")]
    pub warm: u64,
    /// And while it runs.
    #[arg(long, default_value = "10000")]
    pub writes: u64,
    /// How often everyone has a turn.
    #[arg(long, default_value = "1")]
    pub rounds: u32,
    /// The seed of the order of turns.
    #[arg(long, default_value = "1")]
    pub seed: u64,
    /// What is to go wrong.
    #[arg(long, value_enum, default_value = "none")]
    pub fault: Fault,
}

impl Contestant {
    /// A contestant in Rust that needs no further descriptors.
    fn new(name: &'static str, run: impl Fn(&Watch<'_>, Body<'_>) -> Result<()> + 'static) -> Self {
        Self { name, beside: 0, run: Box::new(run) }
    }
}

/// The contestants that are part of this program.
pub fn contestants() -> Vec<Contestant> {
    let mut all = picoevent::contestants();
    all.push(Contestant::new("mio by hand", mio::run));
    all.push(Contestant::new("calloop", calloop::run));
    all.push(Contestant::new("no loop", sys::run));
    all
}

/// Plays, and writes one line for each contestant in each round: its name, the round, and
/// nanoseconds for each time a token was passed on.
///
/// # Errors
/// When a contestant fails or does not do all of its work.
pub fn play(task: &Task, contestants: &[Contestant]) -> Result<()> {
    let Task { tokens, pairs, .. } = *task;
    ensure!(0 < tokens && tokens <= pairs, "there can be 1 to {pairs} tokens");
    let beside = contestants.iter().map(|each| each.beside).max().unwrap_or(0);
    let ring = Ring::new(task.kind, task.pairs, beside, task.fault)?;
    let mut order: Vec<_> = contestants.iter().collect();
    let mut random = Rng::with_seed(task.seed);
    for round in 0..task.rounds {
        random.shuffle(&mut order);
        for contestant in &order {
            let nanos = turn_of(contestant, task, &ring).context(contestant.name)?;
            println!("{}\t{round}\t{nanos:.2}", contestant.name);
        }
    }
    Ok(())
}

fn turn_of(contestant: &Contestant, task: &Task, ring: &Ring) -> Result<f64> {
    let watch =
        Watch { descriptors: ring.descriptors(), ring, ready: Ring::ready, tokens: task.tokens };
    let mut nanos = None;
    (contestant.run)(&watch, &mut |chain| {
        chain.turn()?;
        ring.go_round(task.tokens, task.warm, || chain.turn())?;
        let (passed, took) = timed(|| ring.go_round(task.tokens, task.writes, || chain.turn()));
        nanos = Some(took / passed? as f64);
        ring.check_empty()
    })?;
    nanos.context("the loop was not run")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(kind: Kind, fault: Fault) -> Task {
        Task { kind, pairs: 10, tokens: 2, warm: 20, writes: 200, rounds: 2, seed: 1, fault }
    }

    #[test]
    fn every_contestant_passes_every_token_on() {
        for kind in [Kind::Eventfd, Kind::Sockets, Kind::Pipes] {
            play(&task(kind, Fault::None), &contestants()).unwrap();
        }
    }

    /// The tokens are as many as the pairs, so all are ready in each turn.
    #[test]
    fn a_ring_that_is_full_of_tokens_loses_none() {
        play(&Task { tokens: 10, ..task(Kind::Eventfd, Fault::None) }, &contestants()).unwrap();
    }

    #[test]
    fn a_token_that_is_lost_or_wrong_fails_the_run_of_each_contestant() {
        for contestant in contestants() {
            for fault in [Fault::Lost, Fault::Wrong] {
                let name = contestant.name;
                let result = play(&task(Kind::Sockets, fault), std::slice::from_ref(&contestant));
                let said = format!("{:#}", result.expect_err(name));
                assert!(said.starts_with(name), "{said}");
            }
        }
    }
}
