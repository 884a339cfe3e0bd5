//! How deep the stack gets on the small board, under clients of all kinds.
//!
//! The programs are made for it: they paint their stack at start, say at their end how much of the
//! paint is gone, and give a silent peer up after two seconds instead of a minute. `cargo xtask
//! size` reads the line that is printed here.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use picoevent_tests::board::Board;
use picoevent_tests::client::{Outcome, Plan, summary};
use picoevent_tests::pattern::pattern;
use xtask::qemu::Machine;

use crate::{GREETING, bad_clients::all_places_are_back, visitor};

/// Clients that come at once, where there are sockets for sixteen.
const CROWD: usize = 24;

/// Crowds that may come and all be served.
const CROWDS: usize = 50;

/// The board has 64 KB; what is left of it after the statics is the stack's.
const MOST: usize = 8 * 1024;

/// Good clients, bad clients, too many clients, and each of them in between; then the interrupt.
fn depth(program: &str) -> Result<()> {
    let mut board = Board::boot(Machine::Lm3s6965evb, program)?;
    for round in 0..50 {
        board.serve(vec![visitor(), Plan::half_closer(GREETING)]).context(round)?;
    }

    more_than_there_is_room_for(&mut board)?;
    for plan in [Plan::resetter(), Plan::vanisher(), Plan::non_reader(pattern(1, 100_000))] {
        board.connect(plan);
        all_places_are_back(&mut board)?;
    }
    // For the one that vanished to be given up.
    board.peer.pass(Duration::from_secs(5));
    all_places_are_back(&mut board)?;

    board.guest.interrupt()?;
    ensure!(board.wait_exit()? == 0, "it did not end well{}", board.story());
    board.story();
    for when in ["at start", "serving"] {
        let start = format!("stack, {when}: ");
        let lines = board.guest.history().iter();
        let said = lines.filter_map(|line| line.message.strip_prefix(&start)).next();
        let said = said.with_context(|| format!("it did not say the stack {when}"))?;
        println!("{program}, {when}: {said}");
        let depth: usize = said.split(' ').next().unwrap_or_default().parse()?;
        ensure!((256..=MOST).contains(&depth), "the stack {when}: {said}");
    }
    Ok(())
}

/// Crowds, until somebody was refused. How many of a crowd are depends on how fast they come.
fn more_than_there_is_room_for(board: &mut Board) -> Result<()> {
    for _ in 0..CROWDS {
        let crowd: Vec<_> = (0..CROWD).map(|_| board.connect(visitor())).collect();
        let outcomes = board.finish(&crowd);
        let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
        let (served, refused) = (count(Outcome::Served), count(Outcome::Refused));
        ensure!(served > 0 && served + refused == CROWD, "{}", summary(&outcomes));
        all_places_are_back(board)?;
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
fn the_same_as_tasks_has_one_too() -> Result<()> {
    depth("stack-tasks")
}
