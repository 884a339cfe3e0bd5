//! Misbehaving clients do not affect other clients, and their slots are freed.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use picoevent_tests::board::{Board, LIMIT};
use picoevent_tests::client::{Outcome, Plan, summary};
use picoevent_tests::pattern::pattern;
use xtask::qemu::Machine;

use crate::{GREETING, SLOTS, visitor};

/// The pause after the board has refused a client.
const PAUSE: Duration = Duration::from_millis(200);

/// Runs one client of each misbehaving kind after the other, together with good clients. A misbehaving client stays
/// connected unless it resets.
fn one_of_each(machine: Machine) -> Result<()> {
    let mut board = Board::boot(machine, "hello-world")?;
    let kinds = [
        ("reset", Plan::resetter()),
        ("silence", Plan::silent()),
        ("power loss", Plan::vanisher()),
        ("closed window", Plan::non_reader(Vec::new())),
        ("flood", Plan::flooder(pattern(1, 2_000_000))),
        ("flood with a closed window", Plan::non_reader(pattern(2, 2_000_000))),
    ];
    for (kind, plan) in kinds {
        board.connect(plan);
        for _ in 0..4 {
            board.serve(vec![visitor(), Plan::half_closer(GREETING)]).context(kind)?;
        }
    }
    all_places_are_back(&mut board)
}

/// Runs misbehaving clients at once, four times as many as the board has slots.
fn a_crowd(machine: Machine) -> Result<()> {
    let mut board = Board::boot(machine, "hello-world")?;
    for _ in 0..SLOTS {
        board.connect(Plan::resetter());
        board.connect(Plan::silent());
        board.connect(Plan::vanisher());
        board.connect(Plan::non_reader(pattern(1, 100_000)));
    }
    all_places_are_back(&mut board)
}

/// Retries until the board serves as many clients at once as it has slots. Until then the board may refuse a client,
/// but must serve each client that it has accepted.
pub fn all_places_are_back(board: &mut Board) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    loop {
        let clients: Vec<_> = (0..SLOTS).map(|_| board.connect(visitor())).collect();
        let outcomes = board.finish(&clients);
        if outcomes.iter().all(|outcome| *outcome == Outcome::Served) {
            return Ok(());
        }
        let fair = outcomes.iter().all(|o| matches!(o, Outcome::Served | Outcome::Refused));
        if !fair || Instant::now() >= deadline {
            bail!("not every place has come back: {}{}", summary(&outcomes), board.story());
        }
        board.peer.pass(PAUSE);
    }
}

on_each_cortex_m3!(one_of_each, a_crowd);
