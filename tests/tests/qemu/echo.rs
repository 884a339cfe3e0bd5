//! Tests that the example `echo` sends back exactly the bytes that it has received.

use anyhow::Result;
use picoevent_tests::board::Board;
use picoevent_tests::client::Plan;
use picoevent_tests::pattern::pattern;
use xtask::qemu::Machine;

fn one_megabyte(machine: Machine) -> Result<()> {
    let mut board = Board::boot(machine, "echo")?;
    board.serve(vec![Plan::echo(pattern(1, 1_000_000))])
}

/// Runs four clients. Two of them send their end of stream before the answer arrives, and must still receive the
/// whole answer.
fn four_at_once(machine: Machine) -> Result<()> {
    let mut board = Board::boot(machine, "echo")?;
    let payload = |seed| pattern(seed, 100_000);
    board.serve(vec![
        Plan::echo(payload(1)),
        Plan::half_closing_echo(payload(2)),
        Plan::echo(payload(3)),
        Plan::half_closing_echo(payload(4)),
    ])
}

on_each_cortex_m3!(one_megabyte);
on_each_machine!(four_at_once);
