//! Tests that the example `hello-world` serves clients that connect one after another, and clients that connect at the
//! same time.

use anyhow::{Context, Result, ensure};
use picoevent_tests::board::Board;
use picoevent_tests::client::{Outcome, summary};
use xtask::qemu::Machine;

use crate::{SLOTS, reading_client};

fn two_hundred_in_a_row(machine: Machine) -> Result<()> {
    let mut board = Board::boot(machine, "hello-world")?;
    for number in 1..=200 {
        board.serve(vec![reading_client()]).with_context(|| format!("client {number}"))?;
    }
    Ok(())
}

fn eight_at_a_time(machine: Machine) -> Result<()> {
    let mut board = Board::boot(machine, "hello-world")?;
    for round in 1..=50 {
        board.serve(vec![reading_client(); SLOTS]).with_context(|| format!("round {round}"))?;
    }
    Ok(())
}

/// A board may refuse a client if no slot is free, but it must not lose an accepted client.
fn three_times_as_many_as_there_are_slots(machine: Machine) -> Result<()> {
    let mut board = Board::boot(machine, "hello-world")?;
    let clients: Vec<_> = (0..3 * SLOTS).map(|_| board.connect(reading_client())).collect();
    let outcomes = board.finish(&clients);
    let count = |wanted: Outcome| outcomes.iter().filter(|&outcome| *outcome == wanted).count();
    let (served, refused) = (count(Outcome::Served), count(Outcome::Refused));
    let fair = served >= SLOTS && served + refused == outcomes.len();
    ensure!(fair, "{}{}", summary(&outcomes), board.report());
    Ok(())
}

on_each_cortex_m3!(two_hundred_in_a_row, three_times_as_many_as_there_are_slots);
on_each_machine!(eight_at_a_time);
