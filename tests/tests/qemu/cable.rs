//! The cable is unplugged and plugged in again, and the board continues to serve.

use std::time::Duration;

use anyhow::Result;
use picoevent_tests::board::Board;
use xtask::qemu::{Link, Machine};

use crate::{SLOTS, visitor};

/// How long the cable is unplugged: no hand is faster.
const OUT: Duration = Duration::from_secs(1);

/// A client that connects while the cable is unplugged is served too: its stack retries.
fn out_and_in(machine: Machine) -> Result<()> {
    let mut board = Board::boot(machine, "hello-world")?;
    board.serve(vec![visitor()])?;
    let searches = board.peer.dhcp_tally().discoveries;
    board.guest.qmp()?.set_link("n0", Link::Down)?;
    let client = board.connect(visitor());
    board.peer.pass(OUT);
    board.guest.qmp()?.set_link("n0", Link::Up)?;
    if machine != Machine::Lm3s6965evb {
        // It sees the link, and looks for an address on each new one.
        board
            .turn_until("search for an address", |peer| peer.dhcp_tally().discoveries > searches)?;
    }
    board.expect_served(&[client])?;
    board.serve(vec![visitor(); SLOTS])
}

on_each_machine!(out_and_in);
