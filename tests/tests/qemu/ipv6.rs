//! Tests `hello-world` over IPv6 and IPv4.

use std::net::SocketAddrV6;

use anyhow::Result;
use picoevent_tests::board::{ADDRESS_V6, Board, PORT};
use xtask::qemu::Machine;

use crate::{SLOTS, reading_client};

/// One listener serves clients of both IP versions at once.
#[test]
#[ignore = "needs firmware: cargo xtask test runs it"]
fn lm3s6965evb_serves_clients_of_both_versions_of_ip() -> Result<()> {
    let mut board = Board::boot(Machine::Lm3s6965evb, "hello-world-v6")?;
    let server = SocketAddrV6::new(ADDRESS_V6, PORT, 0, 0);
    for _ in 0..20 {
        let client = board.peer.connect(server, reading_client());
        board.expect_served(&[client])?;
    }
    for _ in 0..10 {
        let mut clients: Vec<_> =
            (0..SLOTS / 2).map(|_| board.peer.connect(server, reading_client())).collect();
        clients.extend((0..SLOTS / 2).map(|_| board.connect(reading_client())));
        board.expect_served(&clients)?;
    }
    Ok(())
}
