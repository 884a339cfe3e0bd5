//! Tests that a board serves clients again after it has lost its leased address and has received the same or another
//! address.
//!
//! The tests run on mps2-an385, which is one of the machines that use DHCP. The address of lm3s6965evb is fixed.

use std::net::SocketAddrV4;
use std::time::Duration;

use anyhow::{Result, ensure};
use picoevent_tests::board::{ADDRESS, Board, LASTING, PORT};
use picoevent_tests::client::Outcome;
use picoevent_tests::dhcp::{Lease, Policy};
use smoltcp::wire::Ipv4Address;
use xtask::qemu::Machine;

use crate::{SLOTS, reading_client};

/// A lease that must be renewed after one second and expires after four seconds.
const SHORT: Lease = Lease {
    address: ADDRESS,
    duration: Duration::from_secs(4),
    renewal: Some(Duration::from_secs(1)),
};

const OTHER_ADDRESS: Ipv4Address = Ipv4Address::new(10, 0, 2, 16);

/// Boots a board with the lease [`SHORT`], then applies `policy`. Waits until the board has lost its address and
/// searches for another lease. Returns the board.
fn without_address(policy: Policy) -> Result<Board> {
    let mut board = Board::boot_with_lease(Machine::Mps2An385, "hello-world", SHORT)?;
    board.serve(vec![reading_client()])?;
    let searches = board.peer.dhcp_tally().discoveries;
    board.peer.serve_dhcp(policy);
    board.run_until("loss of the address", |peer| peer.dhcp_tally().discoveries > searches)?;
    Ok(board)
}

/// Connects a client while the board has no address. Checks that the client is served when the board has an address
/// again.
fn comes_back_after(policy: Policy) -> Result<()> {
    let mut board = without_address(policy)?;
    let client = board.connect(reading_client());
    board.peer.step(Duration::ZERO);
    board.peer.serve_dhcp(Policy::Grant(LASTING));
    board.expect_served(&[client])?;
    board.serve(vec![reading_client(); SLOTS])
}

#[test]
#[ignore = "needs firmware: cargo xtask test runs it"]
fn mps2_an385_serves_again_after_its_lease_is_refused() -> Result<()> {
    comes_back_after(Policy::Refuse)
}

#[test]
#[ignore = "needs firmware: cargo xtask test runs it"]
fn mps2_an385_serves_again_after_its_lease_has_run_out() -> Result<()> {
    comes_back_after(Policy::Silence)
}

#[test]
#[ignore = "needs firmware: cargo xtask test runs it"]
fn mps2_an385_serves_at_the_other_address_that_it_is_given() -> Result<()> {
    let mut board = without_address(Policy::Refuse)?;
    let late = board.connect(reading_client());
    let granted = board.peer.dhcp_tally().granted;
    board.peer.serve_dhcp(Policy::Grant(Lease { address: OTHER_ADDRESS, ..LASTING }));
    board.run_until("lease of the other address", |peer| peer.dhcp_tally().granted > granted)?;
    let server = SocketAddrV4::new(OTHER_ADDRESS, PORT);
    let client = board.peer.connect(server, reading_client());
    board.expect_served(&[client])?;
    let unanswered = matches!(board.peer.outcome(late), Outcome::Pending { .. });
    ensure!(unanswered, "the board still answers at the address that it has lost");
    Ok(())
}
