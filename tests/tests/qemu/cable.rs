//! The cable is unplugged and plugged in again, and the board continues to serve.

use std::time::Duration;

use anyhow::Result;
use picoevent_tests::board::Board;
use xtask::qemu::{Link, Machine};

use crate::{SLOTS, visitor};

/// How long the cable is unplugged. A person needs at least this time to plug it in again.
const OUT: Duration = Duration::from_secs(1);

/// Checks that a client that connects while the cable is unplugged is served later: its stack
/// retransmits the SYN.
fn out_and_in(machine: Machine) -> Result<()> {
    let mut board = Board::boot(machine, "hello-world")?;
    board.serve(vec![visitor()])?;
    let searches = board.peer.dhcp_tally().discoveries;
    board.guest.qmp()?.set_link("n0", Link::Down)?;
    let client = board.connect(visitor());
    board.peer.pass(OUT);
    board.guest.qmp()?.set_link("n0", Link::Up)?;
    if machine != Machine::Lm3s6965evb {
        // The board detects that the link is up again, and requests an address by DHCP.
        board
            .turn_until("search for an address", |peer| peer.dhcp_tally().discoveries > searches)?;
    }
    board.expect_served(&[client])?;
    board.serve(vec![visitor(); SLOTS])
}

on_each_machine!(out_and_in);
