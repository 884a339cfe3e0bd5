//! Workload W1: tokens in a ring of descriptors. An event loop passes the tokens on.
//!
//! The descriptors are opened once. In each round, all contenders run in random order. Each contender opens its loop,
//! which watches the descriptors. The contender first passes tokens on without being timed, then passes tokens on while
//! the clock runs, and closes its loop. The time of the same loop can differ by 10 % or more between processes, because
//! the time depends on the addresses of memory. All contenders have the same conditions, because they use the same
//! descriptors in one process.

pub mod ring;

mod calloop;
mod mio;
mod no_loop;
mod picoevent;

use std::os::fd::BorrowedFd;

use anyhow::{Context, Result, ensure};
use clap::value_parser;
use fastrand::Rng;

use crate::clock::timed;
use ring::{Fault, Kind, Ring};

/// The descriptors that a contender watches. The contender calls `ready(ring, index)` when the descriptor with this
/// index is readable.
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
    /// Checks for new events without waiting, and calls `ready` for each event.
    fn iterate(&mut self) -> Result<()>;
}

/// The body of a run: a function that uses an open loop.
pub type Body<'b> = &'b mut dyn FnMut(&mut dyn Chain) -> Result<()>;

/// Opens a loop that watches descriptors, calls the body with the loop, and closes the loop.
pub type Run = Box<dyn Fn(&Watch<'_>, Body<'_>) -> Result<()>>;

/// A contender.
pub struct Contender {
    /// The contender's name in tables.
    pub name: &'static str,
    /// The number of additional descriptors that the contender opens for each watched descriptor.
    pub extra_descriptors: u64,
    /// Opens the contender's loop, calls a body with the loop, and closes the loop.
    pub run: Run,
}

/// The settings of the workload.
#[derive(clap::Args)]
pub struct Settings {
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
    /// Returns a contender in Rust that needs no additional descriptors.
    fn new(name: &'static str, run: impl Fn(&Watch<'_>, Body<'_>) -> Result<()> + 'static) -> Self {
        Self { name, extra_descriptors: 0, run: Box::new(run) }
    }
}

/// Returns the contenders of this program.
pub fn contenders() -> Vec<Contender> {
    let mut all = picoevent::contenders();
    all.push(Contender::new("mio by hand", mio::run));
    all.push(Contender::new("calloop", calloop::run));
    all.push(Contender::new("no loop", no_loop::run));
    all
}

/// Runs the workload. Writes one line for each contender and round: the name, the round, and
/// nanoseconds for passing a token on once.
///
/// # Errors
/// If a contender fails or does not do all of its work.
pub fn measure(settings: &Settings, contenders: &[Contender]) -> Result<()> {
    let Settings { tokens, pairs, .. } = *settings;
    ensure!(0 < tokens && tokens <= pairs, "there can be 1 to {pairs} tokens");
    let extra_descriptors = contenders.iter().map(|each| each.extra_descriptors).max().unwrap_or(0);
    let ring = Ring::new(settings.kind, settings.pairs, extra_descriptors, settings.fault)?;
    let mut order: Vec<_> = contenders.iter().collect();
    let mut random = Rng::with_seed(settings.seed);
    for round in 0..settings.rounds {
        random.shuffle(&mut order);
        for contender in &order {
            let nanos = time_of(contender, settings, &ring).context(contender.name)?;
            println!("{}\t{round}\t{nanos:.2}", contender.name);
        }
    }
    Ok(())
}

fn time_of(contender: &Contender, settings: &Settings, ring: &Ring) -> Result<f64> {
    let watch = Watch {
        descriptors: ring.descriptors(),
        ring,
        ready: Ring::ready,
        tokens: settings.tokens,
    };
    let mut nanos = None;
    (contender.run)(&watch, &mut |chain| {
        chain.iterate()?;
        ring.pass_tokens(settings.tokens, settings.warm, || chain.iterate())?;
        let (passed, took) =
            timed(|| ring.pass_tokens(settings.tokens, settings.writes, || chain.iterate()));
        nanos = Some(took / passed? as f64);
        ring.check_empty()
    })?;
    nanos.context("the loop was not run")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(kind: Kind, fault: Fault) -> Settings {
        Settings { kind, pairs: 10, tokens: 2, warm: 20, writes: 200, rounds: 2, seed: 1, fault }
    }

    #[test]
    fn every_contender_passes_every_token_on() {
        for kind in [Kind::Eventfd, Kind::Sockets, Kind::Pipes] {
            measure(&settings(kind, Fault::None), &contenders()).unwrap();
        }
    }

    /// The ring has as many tokens as pairs, so all pairs are ready in each iteration. More tokens are not possible.
    #[test]
    fn a_ring_that_is_full_of_tokens_loses_none() {
        measure(&Settings { tokens: 10, ..settings(Kind::Eventfd, Fault::None) }, &contenders())
            .unwrap();
    }

    #[test]
    fn a_token_that_is_lost_or_wrong_fails_the_run_of_each_contender() {
        for contender in contenders() {
            for fault in [Fault::Lost, Fault::Wrong] {
                let name = contender.name;
                let result =
                    measure(&settings(Kind::Sockets, fault), std::slice::from_ref(&contender));
                let error = format!("{:#}", result.expect_err(name));
                assert!(error.starts_with(name), "{error}");
            }
        }
    }
}
