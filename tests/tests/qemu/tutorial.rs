//! Tests the firmware of the tutorial's fourth chapter through QEMU's user networking.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};

use anyhow::{Result, ensure};
use picoevent_tests::board::{LIMIT, READY};
use xtask::firmware;
use xtask::qemu::{Machine, Qemu};

#[test]
#[ignore = "needs firmware: cargo xtask test runs it"]
fn adds_up() -> Result<()> {
    let elf = firmware::prebuilt(Machine::Mps2An385.board(), "tutorial")?;
    let netdev = "user,id=n0,hostfwd=tcp:127.0.0.1:0-:7000";
    let mut guest =
        Qemu::new(Machine::Mps2An385, &elf).netdev(netdev).time_limit(3 * LIMIT).boot()?;
    guest.wait_for(READY, LIMIT)?;
    let port = guest.qmp()?.forwarded_port(7000)?;
    // QEMU accepts the connection at once, and connects to the board as soon as the board has an address.
    let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    client.set_read_timeout(Some(LIMIT))?;
    client.write_all(b"5\n7\nseven\n")?;
    client.shutdown(Shutdown::Write)?;
    let mut answers = String::new();
    client.read_to_string(&mut answers)?;
    ensure!(answers == "5\n12\na number?\n", "{answers:?}{}", guest.report());
    guest.interrupt()?;
    ensure!(guest.wait_exit(LIMIT)? == 0, "the firmware failed{}", guest.report());
    Ok(())
}
