//! Tests the stack depth on the small board, with clients of all kinds.
//!
//! The programs are built for this test. At the start, they fill their stack with a pattern. At the end, they print the
//! size of the overwritten part of the pattern. The programs drop a silent peer after two seconds instead of a minute.
//! `cargo xtask size` reads the line that this test prints.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use picoevent_tests::board::Board;
use picoevent_tests::client::{Outcome, Plan, summary};
use picoevent_tests::pattern::pattern;
use xtask::qemu::Machine;

use crate::{GREETING, bad_clients::all_slots_are_back, reading_client};

/// The number of clients that connect at once. The board has sockets for sixteen clients.
const CROWD: usize = 24;

/// The maximum number of rounds. In each round, `CROWD` clients connect at once. The rounds end when a client is
/// refused.
const CROWDS: usize = 50;

/// The limit of the stack depth. The board has 64 KB of RAM. The stack gets the RAM that the static variables leave
/// free.
const MAX_DEPTH: usize = 8 * 1024;

/// Runs good clients, then too many clients at once, then one client of each of three misbehaving kinds. Then
/// interrupts the board, and checks the printed depths.
fn depth(program: &str) -> Result<()> {
    let mut board = Board::boot(Machine::Lm3s6965evb, program)?;
    for round in 0..50 {
        board.serve(vec![reading_client(), Plan::half_closer(GREETING)]).context(round)?;
    }

    connect_too_many_clients(&mut board)?;
    for plan in [Plan::resetter(), Plan::vanisher(), Plan::non_reader(pattern(1, 100_000))] {
        board.connect(plan);
        all_slots_are_back(&mut board)?;
    }
    // Wait until the board drops the vanished client's connection.
    board.peer.pass(Duration::from_secs(5));
    all_slots_are_back(&mut board)?;

    board.guest.interrupt()?;
    ensure!(board.wait_exit()? == 0, "it did not end with status 0{}", board.report());
    board.report();
    for when in ["at start", "serving"] {
        let start = format!("stack, {when}: ");
        let lines = board.guest.history().iter();
        let output = lines.filter_map(|line| line.message.strip_prefix(&start)).next();
        let output = output.with_context(|| format!("it did not print the stack {when}"))?;
        println!("{program}, {when}: {output}");
        let depth: usize = output.split(' ').next().unwrap_or_default().parse()?;
        ensure!((256..=MAX_DEPTH).contains(&depth), "the stack {when}: {output}");
    }
    Ok(())
}

/// Connects [`CROWD`] clients at once, and repeats this until a client is refused. The number of refused clients
/// depends on the speed at which the clients connect.
fn connect_too_many_clients(board: &mut Board) -> Result<()> {
    for _ in 0..CROWDS {
        let crowd: Vec<_> = (0..CROWD).map(|_| board.connect(reading_client())).collect();
        let outcomes = board.finish(&crowd);
        let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
        let (served, refused) = (count(Outcome::Served), count(Outcome::Refused));
        ensure!(served > 0 && served + refused == CROWD, "{}", summary(&outcomes));
        all_slots_are_back(board)?;
        if refused > 0 {
            return Ok(());
        }
    }
    bail!("there was room for {CROWDS} crowds of {CROWD}")
}

#[test]
#[ignore = "needs firmware: cargo xtask test runs it"]
fn hello_world_has_a_stack_of_known_depth() -> Result<()> {
    depth("stack-loop")
}

#[test]
#[ignore = "needs firmware: cargo xtask test runs it"]
fn the_baseline_has_a_stack_of_known_depth() -> Result<()> {
    depth("stack-tasks")
}
