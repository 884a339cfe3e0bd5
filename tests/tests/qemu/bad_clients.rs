//! Tests that misbehaving clients do not affect other clients, and that the slots of misbehaving clients are freed.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use picoevent_tests::board::{Board, LIMIT};
use picoevent_tests::client::{Outcome, Plan, summary};
use picoevent_tests::pattern::pattern;
use xtask::qemu::Machine;

use crate::{GREETING, SLOTS, reading_client};

/// The pause after the board has refused a client.
const PAUSE: Duration = Duration::from_millis(200);

/// Starts one misbehaving client of each kind, one after another, and runs good clients after each start. A misbehaving
/// client stays connected unless it resets the connection.
fn one_client_of_each_misbehaving_kind(machine: Machine) -> Result<()> {
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
            board.serve(vec![reading_client(), Plan::half_closer(GREETING)]).context(kind)?;
        }
    }
    all_slots_are_back(&mut board)
}

/// Starts misbehaving clients at once: four times the number of the board's slots.
fn a_crowd(machine: Machine) -> Result<()> {
    let mut board = Board::boot(machine, "hello-world")?;
    for _ in 0..SLOTS {
        board.connect(Plan::resetter());
        board.connect(Plan::silent());
        board.connect(Plan::vanisher());
        board.connect(Plan::non_reader(pattern(1, 100_000)));
    }
    all_slots_are_back(&mut board)
}

/// Checks that all slots of the board become free. Runs as many clients at once as the board has slots, and repeats
/// this until all clients of a round are served. In the rounds before, the board may refuse a client, but it must serve
/// each client that it has accepted.
pub fn all_slots_are_back(board: &mut Board) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    loop {
        let clients: Vec<_> = (0..SLOTS).map(|_| board.connect(reading_client())).collect();
        let outcomes = board.finish(&clients);
        if outcomes.iter().all(|outcome| *outcome == Outcome::Served) {
            return Ok(());
        }
        let fair = outcomes.iter().all(|o| matches!(o, Outcome::Served | Outcome::Refused));
        if !fair || Instant::now() >= deadline {
            bail!("not every slot has come back: {}{}", summary(&outcomes), board.report());
        }
        board.peer.pass(PAUSE);
    }
}

on_each_cortex_m3!(one_client_of_each_misbehaving_kind, a_crowd);
