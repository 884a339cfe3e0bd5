//! Tests that the board continues to serve after its cable was unplugged and plugged in again.

use std::time::Duration;

use anyhow::Result;
use picoevent_tests::board::Board;
use xtask::qemu::{Link, Machine};

use crate::{SLOTS, reading_client};

/// The time for which the cable is unplugged. A person needs at least this time to plug a cable in again.
const OUT: Duration = Duration::from_secs(1);

/// Connects a client while the cable is unplugged. Checks that the client is served later, because the client's stack
/// retransmits the SYN.
fn a_client_is_served_after_the_cable_was_unplugged(machine: Machine) -> Result<()> {
    let mut board = Board::boot(machine, "hello-world")?;
    board.serve(vec![reading_client()])?;
    let searches = board.peer.dhcp_tally().discoveries;
    board.guest.qmp()?.set_link("n0", Link::Down)?;
    let client = board.connect(reading_client());
    board.peer.pass(OUT);
    board.guest.qmp()?.set_link("n0", Link::Up)?;
    if machine != Machine::Lm3s6965evb {
        // The board detects that the link is up again, and requests an address by DHCP.
        board
            .run_until("search for an address", |peer| peer.dhcp_tally().discoveries > searches)?;
    }
    board.expect_served(&[client])?;
    board.serve(vec![reading_client(); SLOTS])
}

on_each_machine!(a_client_is_served_after_the_cable_was_unplugged);
