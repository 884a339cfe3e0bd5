//! The example `hello-world` serves every client, whether the clients connect one after another or all at once.

use anyhow::{Context, Result, ensure};
use picoevent_tests::board::Board;
use picoevent_tests::client::{Outcome, summary};
use xtask::qemu::Machine;

use crate::{SLOTS, visitor};

fn two_hundred_in_a_row(machine: Machine) -> Result<()> {
    let mut board = Board::boot(machine, "hello-world")?;
    for number in 1..=200 {
        board.serve(vec![visitor()]).with_context(|| format!("client {number}"))?;
    }
    Ok(())
}

fn eight_at_a_time(machine: Machine) -> Result<()> {
    let mut board = Board::boot(machine, "hello-world")?;
    for round in 1..=50 {
        board.serve(vec![visitor(); SLOTS]).with_context(|| format!("round {round}"))?;
    }
    Ok(())
}

/// A board may refuse clients for which it has no room, but must not lose an accepted client.
fn three_times_as_many_as_there_are_places(machine: Machine) -> Result<()> {
    let mut board = Board::boot(machine, "hello-world")?;
    let clients: Vec<_> = (0..3 * SLOTS).map(|_| board.connect(visitor())).collect();
    let outcomes = board.finish(&clients);
    let count = |wanted: Outcome| outcomes.iter().filter(|&outcome| *outcome == wanted).count();
    let (served, refused) = (count(Outcome::Served), count(Outcome::Refused));
    let fair = served >= SLOTS && served + refused == outcomes.len();
    ensure!(fair, "{}{}", summary(&outcomes), board.story());
    Ok(())
}

on_each_cortex_m3!(two_hundred_in_a_row, three_times_as_many_as_there_are_places);
on_each_machine!(eight_at_a_time);
