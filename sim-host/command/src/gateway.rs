//! The gateway in the simulator: clients of the console and of the status page, and a collector.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use gateway::{
    BUTTON, CONSOLE_PORT, DISCOVERY_PORT, Gateway, Memory, STATUS_PORT, Setup, UDP_SOCKETS,
};
use picoevent::Pool;
use picoevent_sim::world::{
    Choices, Script, Size, Sockets, TestCase, UdpSockets, server_address, server_address_v6,
};

mod collector;
mod day;
mod online;

pub use day::{days, gateway_day};
pub use online::gateway_online;

const USAGE: &str = "error: get KEY, set KEY VALUE, watch, quit\r\n";

/// Devices with windows of different sizes, the largest first. Each device has a socket for each connection of the
/// pools, one more socket for each listener, and one UDP socket for discovery.
const SIZES: [Size<Gateway>; 3] = [
    Size::with_udp(
        Pool::rest(),
        Memory::new,
        Sockets::<13, 512, 512>::new,
        UdpSockets::<1, 64, 64>::new,
    ),
    Size::with_udp(
        Pool::rest(),
        Memory::new,
        Sockets::<16, 64, 64>::new,
        UdpSockets::<1, 256, 256, 8>::new,
    ),
    Size::with_udp(
        Pool::rest(),
        Memory::new,
        Sockets::<14, 256, 16>::new,
        UdpSockets::<1, 16, 48, 1>::new,
    ),
];

/// Devices that also have sockets for the broker, for DNS and for SNTP.
const ONLINE_SIZES: [Size<Gateway>; 2] = [
    Size::with_udp(
        Pool::rest(),
        Memory::new,
        Sockets::<14, 512, 512>::new,
        UdpSockets::<UDP_SOCKETS, 600, 600>::new,
    ),
    Size::with_udp(
        Pool::rest(),
        Memory::new,
        Sockets::<17, 64, 64>::new,
        UdpSockets::<UDP_SOCKETS, 600, 200, 4>::new,
    ),
];

/// The port of the collector.
const COLLECTOR_PORT: u16 = 7070;

/// Returns the value that the sensor measures at the time `micros`. The collector computes the expected value of each
/// sample with the same function.
fn sensor(micros: u64) -> i32 {
    (micros / 1_000 % 1_000_000) as i32
}

/// Returns the test case of the gateway with a collector.
pub fn gateway() -> TestCase<Gateway> {
    case("gateway", server_address(COLLECTOR_PORT))
}

/// Returns the test case of the gateway over IPv6. The gateway connects to its collector over IPv6, and its clients use
/// IPv4 and IPv6.
pub fn gateway_v6() -> TestCase<Gateway> {
    case("gateway-v6", server_address_v6(COLLECTOR_PORT)).over_ipv6()
}

fn case(name: &str, collector: SocketAddr) -> TestCase<Gateway> {
    let setup = Setup { name: "gateway-1", sensor, collector: Some(collector) };
    case_of(name, Duration::ZERO, move || Gateway::new(setup))
}

/// Returns a test case of the gateway. `make` makes the application. The gateway must know the address of its collector
/// within `known_within` after the last fault.
fn case_of(
    name: &str,
    known_within: Duration,
    make: impl Fn() -> Gateway + Send + Sync + 'static,
) -> TestCase<Gateway> {
    TestCase::with_app(name, CONSOLE_PORT, make, |app, cx, console, _| {
        let at = |port| SocketAddr::new(console.ip(), port);
        app.start(cx, console, at(STATUS_PORT), at(DISCOVERY_PORT))
    })
    .sizes(&SIZES)
    .client(console)
    .client(overlong)
    .client(watcher)
    .client(idler)
    .client_at(STATUS_PORT, status)
    .client_at(STATUS_PORT, reader)
    .udp_clients(DISCOVERY_PORT, discoveries, |datagram| match datagram {
        b"discover" => Some(format!("gateway-1 console={CONSOLE_PORT} status={STATUS_PORT}")),
        _ => None,
    })
    .signal(BUTTON)
    .server(collector::collector(known_within))
    .invariant(|app, cx| app.problem(cx).map_or(Ok(()), |problem| Err(problem.to_owned())))
}

const HTTP_BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const HTTP_LATE: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const BUSY: &[u8] = b"busy\r\n";
const GOODBYE: &[u8] = b"bye: the gateway ends\r\n";
const IDLE: &[u8] = b"idle, good bye\r\n";

/// Makes discovery requests, and some datagrams that are not requests.
fn discoveries(choices: &mut Choices<'_>) -> Vec<Vec<u8>> {
    let count = 1 + choices.up_to(3);
    let request = |choices: &mut Choices<'_>| match choices.up_to(3) {
        0 => b"discover".to_vec(),
        1 => Vec::new(),
        2 => b"discovery".to_vec(),
        _ => b"discover"[..choices.up_to(7) as usize].to_vec(),
    };
    let others: Vec<_> = (1..count).map(|_| request(choices)).collect();
    [b"discover".to_vec()].into_iter().chain(others).collect()
}

/// A client of the console.
fn client() -> Script {
    Script::new().may_end_with(BUSY).may_end_with(IDLE).goodbye(GOODBYE)
}

/// A client that requests one value. Then the client receives the values that the gateway sends each second, and leaves
/// after a few of these values.
fn watcher(choices: &mut Choices<'_>) -> Script {
    let script = Script::new().may_end_with(BUSY).may_end_with(IDLE).may_end_with(GOODBYE);
    let known = Script::new().expect_pattern("<number>\r\n");
    // The gateway has no value before its first measurement.
    let unknown = Script::new().expect(b"error: no such key\r\n");
    let script = script.send(b"get temp\nwatch\n").either([known, unknown]);
    (0..=choices.up_to(3))
        .fold(script, |script, _| script.expect_pattern("temp=<number> samples=<text>\r\n"))
}

/// A client that sends one request or nothing, and then waits until the gateway's idle timeout ends the connection.
fn idler(choices: &mut Choices<'_>) -> Script {
    let script = Script::new().may_end_with(BUSY).goodbye(GOODBYE);
    let script = match choices.up_to(1) {
        0 => script.expect(IDLE),
        // If the request is delayed, it may arrive after the idle timeout. In this case, the gateway does not answer
        // the request.
        _ => script.send(b"get samples\n").either([
            Script::new().expect_pattern("<digits>\r\n").expect(IDLE),
            Script::new().expect(IDLE),
        ]),
    };
    script.expect_end()
}

/// A client that sends several commands without waiting for the answers. The commands are sent in two parts. The first
/// part may end after any byte. All commands must be answered in order.
fn console(choices: &mut Choices<'_>) -> Script {
    // The gateway has room for eight keys. The broker sets four keys, so the clients of the console use only four other
    // keys.
    let key = choices.client() % 4;
    // All clients that use the same key set this key to the same value, so the answers are known.
    let mut commands = format!("set k{key} value of {key}\r\n");
    let mut answers = "ok\r\n".to_owned();
    for _ in 0..choices.up_to(12) {
        match choices.up_to(5) {
            0 => {
                let _ = writeln!(commands, "get k{key}");
                let _ = write!(answers, "value of {key}\r\n");
            }
            1 => {
                commands.push_str("get nothing\r\n");
                answers.push_str("error: no such key\r\n");
            }
            2 => {
                let _ = writeln!(commands, "set {:0>17} x", 0);
                answers.push_str("error: key too long\r\n");
            }
            3 => {
                let _ = writeln!(commands, "set k{key} {:0>65}", 0);
                answers.push_str("error: value too long\r\n");
            }
            4 => commands.push('\n'),
            _ => {
                commands.push_str("status\n");
                answers.push_str(USAGE);
            }
        }
    }
    let (early, late) = commands.split_at(choices.up_to(commands.len() as u64) as usize);
    let pause = Duration::from_millis(choices.up_to(3_000));
    let script = client();
    let script = script.send(early.as_bytes()).pause(pause).send(late.as_bytes());
    match choices.up_to(1) {
        0 => script.finish().expect(answers.as_bytes()).expect_end(),
        _ => {
            answers.push_str("bye\r\n");
            script.send(b"quit\n").expect(answers.as_bytes()).expect_end()
        }
    }
}

/// A client that sends a line that is too long, and then a valid line.
fn overlong(choices: &mut Choices<'_>) -> Script {
    let line = vec![b'x'; 129 + choices.up_to(2_000) as usize];
    let answers = format!("error: line too long\r\n{USAGE}");
    let script = client().send(&line).send(b"\nhelp\n");
    script.finish().expect(answers.as_bytes()).expect_end()
}

/// A client that requests the status. The status contains counters whose values are not known, so the answer is
/// compared with a pattern.
fn reader(_: &mut Choices<'_>) -> Script {
    let body = "{\"temp\":<number>,\"samples\":<digits>,\"queued\":<digits>,\"lost\":<digits>,\
                \"keys\":<digits>,\"clients\":<digits>,\"uplink\":\"<text>\n";
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: <digits>\r\n";
    Script::new()
        .may_end_with(HTTP_BUSY)
        .may_end_with(HTTP_LATE)
        .send(b"GET /status HTTP/1.1\r\nHost: gateway\r\n\r\n")
        .expect_pattern(&format!("{head}\r\n{body}"))
        .finish()
        .expect_end()
}

/// A client that requests pages that do not exist, one after another. Its last request is refused.
fn status(choices: &mut Choices<'_>) -> Script {
    let missing = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    let mut requests = String::new();
    let mut answers = String::new();
    for number in 0..=choices.up_to(4) {
        let _ = write!(requests, "GET /{number} HTTP/1.1\r\nHost: gateway\r\n\r\n");
        answers.push_str(missing);
    }
    let close = "Connection: close\r\n";
    let allow = "Allow: GET, HEAD, OPTIONS\r\n";
    let (line, rest, status, fields) = match choices.up_to(4) {
        0 => ("PUT /status HTTP/1.1", "\r\n", "405 Method Not Allowed", allow),
        1 => ("nonsense", "\r\n", "400 Bad Request", close),
        2 => ("GET /status HTTP/1.1", "Content-Length: 5\r\n\r\n", "413 Content Too Large", close),
        3 => ("GET /status HTTP/1.1", "X", "400 Bad Request", close),
        _ => ("GET /status HTTP/2.0", "\r\n", "505 HTTP Version Not Supported", close),
    };
    let _ = write!(requests, "{line}\r\nHost: gateway\r\n{rest}");
    let _ = write!(answers, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n{fields}\r\n");
    let (begin, rest) = requests.split_at(choices.up_to(requests.len() as u64) as usize);
    let pause = Duration::from_millis(choices.up_to(3_000));
    let script = Script::new().may_end_with(HTTP_BUSY).may_end_with(HTTP_LATE);
    let script = script.send(begin.as_bytes()).pause(pause).send(rest.as_bytes());
    script.finish().expect(answers.as_bytes()).expect_end()
}
