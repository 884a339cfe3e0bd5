//! Requests the page of the example `device` through QEMU's user networking.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use picoevent_tests::board::{LIMIT, READY};
use xtask::firmware;
use xtask::qemu::{Machine, Qemu};

/// The pause before the next request. Requests fail while the board has no address.
const PAUSE: Duration = Duration::from_millis(100);

/// Sends a request on a new connection. The server closes the connection after its answer. Returns the answer.
fn request(port: u16, head: &str, content: &[u8]) -> Result<Vec<u8>> {
    let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    client.set_read_timeout(Some(LIMIT))?;
    let length = content.len();
    let head = format!(
        "{head} HTTP/1.1\r\nHost: device\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    client.write_all(&[head.as_bytes(), content].concat())?;
    let mut answer = Vec::new();
    client.read_to_end(&mut answer)?;
    Ok(answer)
}

/// Returns the content of an answer with the status 200 or 201.
fn content(answer: &[u8]) -> Result<&[u8]> {
    let shown = String::from_utf8_lossy(answer);
    ensure!(answer.starts_with(b"HTTP/1.1 20"), "the answer is {shown}");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").context("no end of a head")?;
    Ok(&answer[end + 4..])
}

#[test]
#[ignore = "needs firmware: cargo xtask test runs it"]
fn mps2_an385_shows_its_page() -> Result<()> {
    let machine = Machine::Mps2An385;
    let elf = firmware::prebuilt(machine.board(), "device")?;
    let netdev = "user,id=n0,hostfwd=tcp:127.0.0.1:0-:8080";
    let mut guest = Qemu::new(machine, &elf).netdev(netdev).time_limit(3 * LIMIT).boot()?;
    guest.wait_for(READY, LIMIT)?;
    let port = guest.qmp()?.forwarded_port(8080)?;
    let deadline = Instant::now() + LIMIT;
    let page = loop {
        match request(port, "GET /", b"") {
            Ok(page) if !page.is_empty() => break page,
            _ => ensure!(Instant::now() < deadline, "no page{}", guest.report()),
        }
        std::thread::sleep(PAUSE);
    };
    let page = content(&page)?;
    ensure!(page.starts_with(&[0x1f, 0x8b]), "the page is not compressed: {page:?}");
    let upload = request(port, "PUT /upload", &[b'x'; 100_000])?;
    let upload = String::from_utf8(content(&upload)?.to_vec())?;
    let hash = "d69e68988157833272305aaf21f453c800346e8a3640db6578e260215542e5d4";
    let expected = format!("{{\"length\":100000,\"sha256\":\"{hash}\"}}\n");
    ensure!(upload == expected, "the upload was {upload}{}", guest.report());
    let metrics = request(port, "GET /metrics", b"")?;
    let metrics = String::from_utf8_lossy(content(&metrics)?).into_owned();
    ensure!(metrics.contains("picoevent_connections 1\n"), "the figures are {metrics}");
    guest.interrupt()?;
    ensure!(guest.wait_exit(LIMIT)? == 0, "the firmware failed{}", guest.report());
    Ok(())
}
