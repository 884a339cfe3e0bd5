//! W1: tokens in a ring of descriptors, passed on through an event loop.
//!
//! The descriptors are opened once. In each round every contender, in random order, opens its loop over them, passes
//! tokens on to warm up, passes them on while the clock runs, and closes its loop. The same loop can differ by a tenth
//! or more between processes, depending on where its memory lies. All contenders have the same conditions, since they
//! use the same descriptors in one process.

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

/// The descriptors that a contender watches. It calls `ready(ring, index)` when the descriptor with that index
/// is readable.
pub struct Watch<'r> {
    /// The descriptors.
    pub descriptors: Vec<BorrowedFd<'r>>,
    /// The argument of `ready`.
    pub ring: &'r Ring,
    /// Called for a readable descriptor.
    pub ready: fn(&Ring, u32),
    /// Number of tokens in the ring.
    pub tokens: u32,
}

/// A loop that watches descriptors.
pub trait Chain {
    /// Looks for events without waiting, and calls `ready` for each.
    fn turn(&mut self) -> Result<()>;
}

/// The work on an open loop.
pub type Body<'b> = &'b mut dyn FnMut(&mut dyn Chain) -> Result<()>;

/// Opens a loop over descriptors, runs the body, and closes the loop.
pub type Run = Box<dyn Fn(&Watch<'_>, Body<'_>) -> Result<()>>;

/// A contender.
pub struct Contender {
    /// Its name in tables.
    pub name: &'static str,
    /// The number of further descriptors that it opens for each descriptor that it watches.
    pub beside: u64,
    /// Opens its loop for a body.
    pub run: Run,
}

/// The settings.
#[derive(clap::Args)]
pub struct Task {
    /// The kind of pairs
    #[arg(long, value_enum, default_value = "eventfd")]
    pub kind: Kind,
    /// Number of pairs
    #[arg(long, default_value = "100", value_parser = value_parser!(u32).range(1..))]
    pub pairs: u32,
    /// Number of tokens in the ring
    #[arg(long, default_value = "1")]
    pub tokens: u32,
    /// How often tokens are passed on before the clock starts
    #[arg(long, default_value = "1000")]
    pub warm: u64,
    /// How often tokens are passed on while the clock runs
    #[arg(long, default_value = "10000")]
    pub writes: u64,
    /// Number of rounds
    #[arg(long, default_value = "1")]
    pub rounds: u32,
    /// The seed of the contenders' order
    #[arg(long, default_value = "1")]
    pub seed: u64,
    /// A fault to inject
    #[arg(long, value_enum, default_value = "none")]
    pub fault: Fault,
}

impl Contender {
    /// Returns a contender in Rust that needs no further descriptors.
    fn new(name: &'static str, run: impl Fn(&Watch<'_>, Body<'_>) -> Result<()> + 'static) -> Self {
        Self { name, beside: 0, run: Box::new(run) }
    }
}

/// Returns the contenders of this program.
pub fn contenders() -> Vec<Contender> {
    let mut all = picoevent::contenders();
    all.push(Contender::new("mio by hand", mio::run));
    all.push(Contender::new("calloop", calloop::run));
    all.push(Contender::new("no loop", sys::run));
    all
}

/// Runs the workload. Writes one line for each contender and round: the name, the round, and
/// nanoseconds for passing a token on once.
///
/// # Errors
/// If a contender fails or does not do all of its work.
pub fn play(task: &Task, contenders: &[Contender]) -> Result<()> {
    let Task { tokens, pairs, .. } = *task;
    ensure!(0 < tokens && tokens <= pairs, "there can be 1 to {pairs} tokens");
    let beside = contenders.iter().map(|each| each.beside).max().unwrap_or(0);
    let ring = Ring::new(task.kind, task.pairs, beside, task.fault)?;
    let mut order: Vec<_> = contenders.iter().collect();
    let mut random = Rng::with_seed(task.seed);
    for round in 0..task.rounds {
        random.shuffle(&mut order);
        for contender in &order {
            let nanos = turn_of(contender, task, &ring).context(contender.name)?;
            println!("{}\t{round}\t{nanos:.2}", contender.name);
        }
    }
    Ok(())
}

fn turn_of(contender: &Contender, task: &Task, ring: &Ring) -> Result<f64> {
    let watch =
        Watch { descriptors: ring.descriptors(), ring, ready: Ring::ready, tokens: task.tokens };
    let mut nanos = None;
    (contender.run)(&watch, &mut |chain| {
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
    fn every_contender_passes_every_token_on() {
        for kind in [Kind::Eventfd, Kind::Sockets, Kind::Pipes] {
            play(&task(kind, Fault::None), &contenders()).unwrap();
        }
    }

    /// There is one token for each pair, so all pairs are ready in each turn.
    #[test]
    fn a_ring_that_is_full_of_tokens_loses_none() {
        play(&Task { tokens: 10, ..task(Kind::Eventfd, Fault::None) }, &contenders()).unwrap();
    }

    #[test]
    fn a_token_that_is_lost_or_wrong_fails_the_run_of_each_contender() {
        for contender in contenders() {
            for fault in [Fault::Lost, Fault::Wrong] {
                let name = contender.name;
                let result = play(&task(Kind::Sockets, fault), std::slice::from_ref(&contender));
                let said = format!("{:#}", result.expect_err(name));
                assert!(said.starts_with(name), "{said}");
            }
        }
    }
}
