//! Checks of the console.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::client::{Client, Event, LIMIT, until_served};
use super::{Check, Gateway};

const USAGE: &str = "error: get KEY, set KEY VALUE, watch, quit\r\n";
const UNKNOWN: &str = "error: no such key\r\n";
const TOO_LONG: &str = "error: line too long\r\n";
const BUSY: &[u8] = b"busy\r\n";

/// The maximum number of clients that are served at once.
pub const SLOTS: usize = 4;

/// The maximum length of a command line without its line end, in bytes.
const LINE: usize = 128;
/// The maximum length of a line of values without its line end, in bytes.
const VALUES: usize = 250;
const ENTRIES: usize = 8;

/// The checks in their order. The first check fills the store.
pub const CHECKS: [Check; 9] = [
    ("console: store", store),
    ("console: built-in keys", built_in_keys),
    ("console: refusals", refusals),
    ("console: ends of lines", ends_of_lines),
    ("console: long lines", long_lines),
    ("console: pipelining and ends of streams", pipelining),
    ("console: watch", watch),
    ("console: quit", quit),
    ("console: a fifth client", fifth_client),
];

/// Connects as soon as the gateway can serve one more client.
///
/// # Errors
/// If the gateway does not serve the client within [`LIMIT`], or the gateway's answer is wrong.
pub fn open(address: SocketAddr) -> Result<Client> {
    until_served(|| try_open(address))
}

/// Connects once. Returns `None` if the connection fails or ends, or if the gateway answers that it is busy.
///
/// # Errors
/// If the gateway's answer is wrong.
pub fn try_open(address: SocketAddr) -> Result<Option<Client>> {
    let Ok(mut client) = Client::connect(address) else { return Ok(None) };
    if client.send("get samples\n").is_err() {
        return Ok(None);
    }
    while !client.pending().ends_with(b"\n") {
        match client.receive(LIMIT)? {
            Event::Bytes => {}
            Event::End | Event::Reset => return Ok(None),
            Event::Nothing => bail!(client.mismatch("an answer, or that there is no slot")),
        }
    }
    if client.pending() == BUSY {
        return Ok(None);
    }
    let line = client.line(LIMIT)?;
    ensure!(line.parse::<u32>().is_ok(), "get samples was answered by {line:?}");
    Ok(Some(client))
}

/// Returns the key and the value of the entry with this number. The key and the value have the maximum lengths.
fn entry(number: usize) -> (String, String) {
    (format!("key-number-{number:05}"), format!("{number:<63}|"))
}

fn store(gateway: &Gateway<'_>) -> Result<()> {
    let mut client = open(gateway.console)?;
    for number in 0..ENTRIES {
        let (key, value) = entry(number);
        request(&mut client, &format!("set {key} first"), "ok\r\n")?;
        request(&mut client, &format!("set {key} {value}"), "ok\r\n")?;
    }
    request(&mut client, "set another value", "error: no room\r\n")?;
    for number in 0..ENTRIES {
        let (key, value) = entry(number);
        request(&mut client, &format!("get {key}"), &format!("{value}\r\n"))?;
    }
    let (key, value) = entry(0);
    request(&mut client, &format!("set {key} two words, and  more"), "ok\r\n")?;
    request(&mut client, &format!("get {key}"), "two words, and  more\r\n")?;
    request(&mut client, &format!("set {key}x {value}"), "error: key too long\r\n")?;
    request(&mut client, &format!("set {key} {value}x"), "error: value too long\r\n")?;
    request(&mut client, &format!("get {key}"), "two words, and  more\r\n")?;
    request(&mut client, &format!("set {key} {value}"), "ok\r\n")?;
    let mut other = open(gateway.console)?;
    request(&mut other, &format!("get {key}"), &format!("{value}\r\n"))
}

fn request(client: &mut Client, line: &str, answer: &str) -> Result<()> {
    client.send(format!("{line}\n"))?;
    client.expect(answer)
}

fn built_in_keys(gateway: &Gateway<'_>) -> Result<()> {
    let mut client = open(gateway.console)?;
    let mut number = |key: &str| -> Result<i64> {
        client.send(format!("get {key}\n"))?;
        let line = client.line(LIMIT)?;
        line.parse().map_err(|_| client.mismatch(&format!("a number instead of {line:?}")))
    };
    number("temp")?;
    let first = number("samples")?;
    // The gateway takes ten samples a second, so this wait normally takes half a second.
    let deadline = Instant::now() + LIMIT;
    while number("samples")? < first + 5 {
        ensure!(Instant::now() < deadline, "no five samples in {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
    request(&mut client, "get nothing", UNKNOWN)
}

fn refusals(gateway: &Gateway<'_>) -> Result<()> {
    let mut client = open(gateway.console)?;
    for line in
        ["help", "get", "get a b", "set", "set a", "watch 1", "quit now", "GET temp", "gettemp"]
    {
        request(&mut client, line, USAGE)?;
    }
    for bytes in [&b"\xff\xfe\n"[..], b"get t\xc3\n", b"set a \x80\n"] {
        client.send(bytes)?;
        client.expect(USAGE)?;
    }
    request(&mut client, "get nothing", UNKNOWN)
}

fn ends_of_lines(gateway: &Gateway<'_>) -> Result<()> {
    let mut client = open(gateway.console)?;
    client.send("get nothing\r\n")?;
    client.expect(UNKNOWN)?;
    client.send("\n\r\n\n")?;
    client.send_slowly("get nothing\r\n")?;
    client.expect(UNKNOWN)?;
    client.expect_nothing(Duration::from_millis(100))
}

fn long_lines(gateway: &Gateway<'_>) -> Result<()> {
    let mut client = open(gateway.console)?;
    for (length, answer) in
        [(LINE, USAGE), (LINE + 1, TOO_LONG), (LINE + 2, TOO_LONG), (10_000, TOO_LONG)]
    {
        for end in ["\n", "\r\n"] {
            client.send("x".repeat(length) + end)?;
            client.expect(answer).with_context(|| format!("a line of {length} bytes"))?;
        }
        request(&mut client, "get nothing", UNKNOWN)?;
    }
    // Send the long line together with the lines before and after it, in one write.
    let line = "y".repeat(3 * LINE);
    client.send(format!("get nothing\n{line}\nget nothing\n"))?;
    client.expect(format!("{UNKNOWN}{TOO_LONG}{UNKNOWN}"))?;
    client.send_slowly("z".repeat(LINE + 1) + "\nget nothing\n")?;
    client.expect(format!("{TOO_LONG}{UNKNOWN}"))
}

fn pipelining(gateway: &Gateway<'_>) -> Result<()> {
    let (commands, answers) = many(100);
    let mut client = open(gateway.console)?;
    client.send(&commands)?;
    client.expect(&answers)?;

    client.send(&commands)?;
    client.end()?;
    client.expect(&answers)?;
    client.expect_end()?;

    // Bytes without a line end are not a line.
    let mut client = open(gateway.console)?;
    client.send(format!("{commands}get noth"))?;
    client.end()?;
    client.expect(&answers)?;
    client.expect_end()
}

/// Returns `count` commands of three kinds, and their answers.
fn many(count: usize) -> (String, String) {
    let number = |number: usize| match number % 3 {
        0 => (format!("get {}\n", entry(number % ENTRIES).0), entry(number % ENTRIES).1 + "\r\n"),
        1 => (format!("get nothing{number}\r\n"), UNKNOWN.to_owned()),
        _ => (format!("do {number}\n"), USAGE.to_owned()),
    };
    (0..count).map(number).unzip()
}

fn watch(gateway: &Gateway<'_>) -> Result<()> {
    let mut client = open(gateway.console)?;
    client.send("watch\n")?;
    a_line_each_second(&mut client)?;
    // An incomplete line does not end the `watch` command.
    client.send("get ")?;
    values(&mut client)?;
    client.send("nothing\n")?;
    skip_values(&mut client)?;
    client.expect(UNKNOWN)?;
    client.expect_nothing(Duration::from_millis(1500))?;

    client.send("watch\n\n")?;
    client.expect_nothing(Duration::from_millis(1500))?;

    client.send("watch\n")?;
    values(&mut client)?;
    client.end()?;
    skip_values(&mut client)?;
    client.expect_end()
}

/// Waits for two consecutive lines of values with one second between them. The number of samples between the two lines
/// shows this time. On a busy host a line may be late, so the check tries the next lines until [`LIMIT`].
fn a_line_each_second(client: &mut Client) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    let mut before = values(client)?;
    loop {
        let samples = values(client)?;
        let taken = samples.saturating_sub(before);
        if (8..=12).contains(&taken) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{taken} samples between two lines of a second");
        before = samples;
    }
}

/// Receives the next line of values. The gateway sends a line of values each second. Returns the number of samples in
/// the line.
///
/// # Errors
/// If no line arrives, or the line is wrong.
pub fn values(client: &mut Client) -> Result<u32> {
    let line = client.line(LIMIT)?;
    samples(&line).with_context(|| format!("the line of values is {line:?}"))
}

/// Returns the number of samples in a line of values. Checks that the line also contains the entries of the store, as
/// many as fit into a line.
fn samples(line: &str) -> Result<u32> {
    let rest = line.strip_prefix("temp=").context("it does not begin with temp=")?;
    let (temp, rest) = rest.split_once(" samples=").context("there is no samples=")?;
    temp.parse::<i32>().context("temp")?;
    let (samples, entries) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
    let mut expected = String::new();
    let all = (0..ENTRIES).map(entry).map(|(key, value)| format!(" {key}={value}"));
    let start = line.len() - entries.len();
    for entry in all {
        if start + expected.len() + entry.len() > VALUES {
            break;
        }
        expected += &entry;
    }
    ensure!(entries == expected, "the entries should be {expected:?}");
    samples.parse().context("samples")
}

/// Skips lines of values, until other input or the gateway's end of stream arrives.
///
/// # Errors
/// If neither other input nor the end of stream arrives, or the connection is reset.
pub fn skip_values(client: &mut Client) -> Result<()> {
    loop {
        match client.pending().first() {
            Some(b't') => drop(values(client)?),
            Some(_) => return Ok(()),
            None => match client.receive(LIMIT)? {
                Event::Bytes => {}
                Event::End => return Ok(()),
                event => {
                    return Err(client.mismatch("lines of values").context(format!("{event:?}")));
                }
            },
        }
    }
}

fn quit(gateway: &Gateway<'_>) -> Result<()> {
    let mut client = open(gateway.console)?;
    client.send("get nothing\nquit\nget nothing\n")?;
    client.expect(format!("{UNKNOWN}bye\r\n"))?;
    client.expect_end()
}

/// Connects while the gateway ends. The client must receive the gateway's last message, or nothing if it connects too
/// late.
///
/// # Errors
/// If the client receives anything else.
pub fn late_client(address: SocketAddr) -> Result<()> {
    let Ok(mut client) = Client::connect(address) else { return Ok(()) };
    if client.send("get samples\n").is_err() {
        return Ok(());
    }
    match client.receive(Duration::from_secs(1))? {
        Event::Bytes => client.expect("bye: the gateway ends\r\n"),
        Event::End | Event::Reset | Event::Nothing => Ok(()),
    }
}

fn fifth_client(gateway: &Gateway<'_>) -> Result<()> {
    let mut served: Vec<_> = (0..SLOTS).map(|_| open(gateway.console)).collect::<Result<_>>()?;
    for _ in 0..3 {
        refused(gateway.console, BUSY)?;
    }
    for client in &mut served {
        request(client, "get nothing", UNKNOWN)?;
    }
    let Some(mut first) = served.pop() else { return Ok(()) };
    request(&mut first, "quit", "bye\r\n")?;
    first.expect_end()?;
    drop(first);
    let mut next = open(gateway.console)?;
    request(&mut next, "get nothing", UNKNOWN)
}

/// Connects until a client receives the text `busy` and the end of the stream. The gateway has only one spare
/// connection slot for this text. While this slot is in use, the gateway may reset or end a new connection without the
/// text. In this case the function connects again.
///
/// # Errors
/// If the gateway sends something else, or serves the client.
pub fn refused(address: SocketAddr, busy: &[u8]) -> Result<()> {
    refused_within(address, busy, LIMIT)
}

/// Connects like [`refused`], with another time limit for the text.
pub fn refused_within(address: SocketAddr, busy: &[u8], limit: Duration) -> Result<()> {
    until_served(|| {
        let mut client = Client::connect(address)?;
        match client.receive(limit)? {
            Event::Reset | Event::End if client.pending().is_empty() => Ok(None),
            Event::Bytes => {
                client.expect(busy)?;
                client.expect_end()?;
                Ok(Some(()))
            }
            _ => bail!(client.mismatch(&String::from_utf8_lossy(busy))),
        }
    })
}
