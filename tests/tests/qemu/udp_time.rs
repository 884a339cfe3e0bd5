//! Tests that `udp-time` answers datagrams, through QEMU's user networking.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use picoevent_tests::board::{LIMIT, READY};
use xtask::firmware;
use xtask::qemu::{Machine, Qemu};

/// The time to wait for an answer before the request is sent again. While the board has no address, it does not receive
/// the request.
const ANSWER: Duration = Duration::from_millis(200);

fn options(machine: Machine) -> Result<()> {
    let elf = firmware::prebuilt(machine.board(), "udp-time")?;
    let netdev = "user,id=n0,hostfwd=udp:127.0.0.1:0-:9037";
    let mut guest = Qemu::new(machine, &elf).netdev(netdev).time_limit(3 * LIMIT).boot()?;
    guest.wait_for(READY, LIMIT)?;
    let port = guest.qmp()?.forwarded_udp_port(9037)?;
    let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    client.connect((Ipv4Addr::LOCALHOST, port))?;
    client.set_read_timeout(Some(ANSWER))?;
    let mut last = 0;
    // Repeat the request until the time has increased twice. This shows that the clock runs.
    let mut seconds = 0;
    let deadline = Instant::now() + LIMIT;
    while seconds < 2 {
        ensure!(Instant::now() < deadline, "the clock stands at {last}{}", guest.report());
        client.send(b"what time is it?")?;
        let mut answer = [0; 32];
        let Ok(length) = client.recv(&mut answer) else { continue };
        let text = std::str::from_utf8(&answer[..length]).context("the answer is no text")?;
        let time: u64 = text.parse().with_context(|| format!("the answer was {text:?}"))?;
        if time < last {
            bail!("the clock went from {last} to {time}");
        }
        seconds += u64::from(time > last);
        last = time;
    }
    guest.interrupt()?;
    ensure!(guest.wait_exit(LIMIT)? == 0, "the firmware failed{}", guest.report());
    Ok(())
}

on_each_cortex_m3!(options);
