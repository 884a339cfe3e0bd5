//! Checks of the timeouts. The checks run at the same time, and take two minutes in total.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use rustix::net::sockopt::{set_socket_recv_buffer_size, set_socket_send_buffer_size};
use rustix::net::{AddressFamily, SocketType, connect, socket};

use super::client::{Client, Event, LIMIT, PAUSE};
use super::collector::{Collector, EndBy, FullListener};
use super::http::{self, GET, Response, Status};
use super::uplink::{self, confirmed_so_far, silence, too_many_samples, wait};
use super::{Check, Gateway, console};

const IDLE: Duration = Duration::from_secs(60);
const HEADER: Duration = Duration::from_secs(90);
const STALL: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(8);

/// The maximum delay of a timeout on a slow host.
const LATE: Duration = Duration::from_secs(30);
/// The tolerance of the clocks.
const EARLY: Duration = Duration::from_millis(500);

/// Checks every timeout.
///
/// # Errors
/// The errors of all checks that failed.
pub fn check(gateway: &Gateway<'_>, collector: &mut Collector) -> Result<()> {
    let checks: [Check; 7] = [
        ("an idle client", idle),
        ("half a line now and then", half_lines),
        ("a client that watches is not idle", watching),
        ("a client that does not read", does_not_read),
        ("no header", no_header),
        ("a header that comes slowly", slow_header),
        ("nothing after a request", nothing_after_a_request),
    ];
    thread::scope(|scope| {
        let checks = checks.map(|(name, check)| (name, scope.spawn(move || check(gateway))));
        let mut failed = vec![("uplink", uplinks(gateway, collector))];
        failed.extend(checks.map(|(name, check)| {
            (name, check.join().unwrap_or_else(|_| Err(anyhow!("the check panicked"))))
        }));
        let failed = failed.into_iter().filter_map(|(name, outcome)| Some((name, outcome.err()?)));
        let failed: Vec<_> = failed.map(|(name, error)| format!("{name}: {error:#}")).collect();
        ensure!(failed.is_empty(), "{}", failed.join("\n\n"));
        Ok(())
    })
}

/// Checks that an event did not come too early. `before` is a time before the start of the gateway's timeout.
fn check_elapsed(before: Instant, expected: Duration) -> Result<()> {
    let after = before.elapsed();
    ensure!(after >= expected - EARLY, "it came after {after:.1?} instead of {expected:?}");
    Ok(())
}

fn idle(gateway: &Gateway<'_>) -> Result<()> {
    let before = Instant::now();
    is_idle(&mut console::open(gateway.console)?, before)
}

fn is_idle(client: &mut Client, before: Instant) -> Result<()> {
    let line = client.line(IDLE + LATE)?;
    ensure!(
        line == "idle, good bye",
        client.mismatch(&format!("idle, good bye instead of {line}"))
    );
    check_elapsed(before, IDLE)?;
    client.expect_end()
}

fn half_lines(gateway: &Gateway<'_>) -> Result<()> {
    let mut client = console::open(gateway.console)?;
    let mut before = Instant::now();
    for part in ["g", "e"] {
        client.expect_nothing(IDLE / 3)?;
        before = Instant::now();
        client.send(part)?;
    }
    is_idle(&mut client, before)
}

fn watching(gateway: &Gateway<'_>) -> Result<()> {
    let mut client = console::open(gateway.console)?;
    client.send("watch\n")?;
    let began = Instant::now();
    while began.elapsed() < IDLE + STALL {
        console::values(&mut client)?;
    }
    client.send("quit\n")?;
    console::skip_values(&mut client)?;
    client.expect("bye\r\n")?;
    client.expect_end()
}

/// Checks that the gateway resets a client that reads nothing and keeps sending requests.
fn does_not_read(gateway: &Gateway<'_>) -> Result<()> {
    let before = Instant::now();
    let stream = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    // The buffers are small, so that the gateway's output soon has to wait.
    set_socket_recv_buffer_size(&stream, 4096)?;
    set_socket_send_buffer_size(&stream, 4096)?;
    connect(&stream, &gateway.console)?;
    let mut stream = TcpStream::from(stream);
    stream.set_nonblocking(true)?;
    let commands = "get nothing\n".repeat(20);
    let deadline = Instant::now() + STALL + LATE;
    loop {
        match stream.write(commands.as_bytes()) {
            Ok(_) => {}
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock => thread::sleep(PAUSE),
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => break,
                _ => bail!("a client that reads nothing is not reset, but {error}"),
            },
        }
        ensure!(Instant::now() < deadline, "a client that reads nothing is not reset");
    }
    check_elapsed(before, STALL).context("reset of a client that reads nothing")
}

fn no_header(gateway: &Gateway<'_>) -> Result<()> {
    let began = Instant::now();
    let mut client = Client::connect(gateway.status)?;
    idles_out(&mut client, began)
}

/// Checks that a client without a request receives an error response, or only the end of the stream.
fn idles_out(client: &mut Client, began: Instant) -> Result<()> {
    match client.receive(HEADER + LATE)? {
        Event::Bytes => times_out(client, began),
        Event::End => check_elapsed(began, HEADER),
        Event::Reset | Event::Nothing => bail!(client.mismatch("408, or the end")),
    }
}

fn times_out(client: &mut Client, began: Instant) -> Result<()> {
    client.take_when("408", HEADER + LATE, |bytes| (!bytes.is_empty()).then_some(0))?;
    check_elapsed(began, HEADER)?;
    let response = Response::receive(client)?;
    let is_right = response.status == 408 && response.closes();
    ensure!(is_right, client.mismatch(&format!("408 instead of {response:?}")));
    client.expect_end()
}

fn slow_header(gateway: &Gateway<'_>) -> Result<()> {
    let began = Instant::now();
    let mut client = Client::connect(gateway.status)?;
    for part in GET.as_bytes().chunks(3).take(5) {
        client.send(part)?;
        client.expect_nothing(Duration::from_secs(10))?;
    }
    times_out(&mut client, began)
}

fn nothing_after_a_request(gateway: &Gateway<'_>) -> Result<()> {
    let (mut client, _) = http::open(gateway.status)?;
    client.expect_nothing(Duration::from_secs(20))?;
    let began = Instant::now();
    client.send(GET)?;
    Response::receive(&mut client)?.status()?;
    idles_out(&mut client, began)
}

/// Checks the timeouts of the uplink, one after the other.
fn uplinks(gateway: &Gateway<'_>, collector: &mut Collector) -> Result<()> {
    silence(gateway, collector).context("a collector that says nothing")?;
    too_many_samples(gateway, collector).context("a collector that is away for long")?;
    no_answer(gateway, collector).context("a collector that does not accept")
}

/// Checks that a connect without an answer fails after eight seconds.
fn no_answer(gateway: &Gateway<'_>, collector: &mut Collector) -> Result<()> {
    let before = Instant::now();
    collector.end(EndBy::Close);
    let full = FullListener::start(collector.address())?;
    let is = |word: &'static str| move |status: &Status| status.uplink == word;
    wait(gateway, "connect", LIMIT, is("connecting"))?;
    wait(gateway, "end of the connect", CONNECT + LATE, is("waiting"))?;
    check_elapsed(before, CONNECT)?;
    drop(full);
    collector.restart()?;
    uplink::is_up(gateway, collector)?;
    confirmed_so_far(gateway, collector).map(drop)
}
