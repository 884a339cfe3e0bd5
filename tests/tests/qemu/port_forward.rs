//! Tests the host port that QEMU's user networking forwards to the board.
//!
//! One client is enough. QEMU's user networking has its own queue for connections, so more clients would only test
//! QEMU.

use std::io::Read;
use std::net::{Ipv4Addr, TcpStream};

use anyhow::{Context, Result, ensure};
use picoevent_tests::board::{LIMIT, PORT, READY};
use xtask::firmware;
use xtask::qemu::{Machine, Qemu};

use crate::GREETING;

fn greeted(machine: Machine) -> Result<()> {
    let elf = firmware::prebuilt(machine.board(), "hello-world")?;
    let netdev = format!("user,id=n0,hostfwd=tcp:127.0.0.1:0-:{PORT}");
    let mut guest = Qemu::new(machine, &elf).netdev(netdev).time_limit(3 * LIMIT).boot()?;
    guest.wait_for(READY, LIMIT)?;
    let port = guest.qmp()?.forwarded_port(PORT)?;
    let address = (Ipv4Addr::LOCALHOST, port).into();
    let mut client = TcpStream::connect_timeout(&address, LIMIT)?;
    client.set_read_timeout(Some(LIMIT))?;
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).context("no end of the answer")?;
    ensure!(answer == GREETING, "the answer was {:?}", String::from_utf8_lossy(&answer));
    Ok(())
}

on_each_machine!(greeted);
