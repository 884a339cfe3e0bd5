//! Tests the program as a process on a host, with many kinds of clients.

use std::fs;
use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use desk::program::{Program, raise_descriptor_limit, read_all};
use rustix::net::sockopt::set_socket_linger;

const SERVER: &str = env!("CARGO_BIN_EXE_hello-world");
const GREETING: &[u8] = b"Hello, World!\n";

#[test]
fn a_client_is_greeted_and_the_server_says_so() {
    let server = Program::start(SERVER);
    assert_eq!(server.visit(), GREETING);
    server.wait_for("flushed answer");
}

#[test]
fn twenty_thousand_in_a_row_are_all_answered() {
    let server = Program::start(SERVER);
    for number in 0..20_000 {
        assert_eq!(server.visit(), GREETING, "client {number}");
    }
}

#[test]
fn a_thousand_at_once_are_all_answered() {
    raise_descriptor_limit();
    let server = Program::start(SERVER);
    let mut clients: Vec<_> = (0..1_000).map(|_| server.connect()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        assert_eq!(read_all(client), GREETING, "client {number}");
    }
}

/// The server prints a line for each client, and the pipe holds a few hundred lines.
#[test]
fn a_reader_that_does_not_read_makes_no_client_wait() {
    let server = Program::start_unread(SERVER);
    for number in 0..10_000 {
        assert_eq!(server.visit(), GREETING, "client {number}");
    }
    server.interrupt();
    assert_eq!(server.wait().0.code(), Some(0));
}

/// The behaviour of a client.
#[derive(Clone, Copy)]
enum Kind {
    Visits,
    HalfCloses,
    Resets,
    StaysSilent,
    FloodsAndReadsNothing,
}

const KINDS: [Kind; 5] =
    [Kind::Visits, Kind::HalfCloses, Kind::Resets, Kind::StaysSilent, Kind::FloodsAndReadsNothing];

#[test]
fn among_resets_and_silences_all_other_clients_are_answered() {
    let server = Program::start(SERVER);
    let mut stay = Vec::new();
    // The order does not matter, but must be the same in each run (a step of Knuth's MMIX generator).
    let mut state = 42_u64;
    for number in 0..200 {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        match KINDS[(state >> 33) as usize % KINDS.len()] {
            Kind::Visits => assert_eq!(server.visit(), GREETING, "client {number}"),
            Kind::HalfCloses => {
                let mut client = server.connect();
                client.shutdown(Shutdown::Write).unwrap();
                assert_eq!(read_all(&mut client), GREETING, "client {number}");
            }
            Kind::Resets => reset(&server.connect()),
            Kind::StaysSilent => stay.push(server.connect()),
            Kind::FloodsAndReadsNothing => {
                let mut client = server.connect();
                // The server may have dropped a client that does not stop sending.
                let _ = client.write_all(&[b'?'; 256 * 1024]);
                stay.push(client);
            }
        }
    }
    assert_eq!(server.visit(), GREETING);
}

fn reset(client: &TcpStream) {
    set_socket_linger(client, Some(Duration::ZERO)).unwrap();
}

/// A test in `scripted.rs`, which sets the clock itself, checks that the server still serves clients during
/// the two seconds.
#[test]
fn an_interrupt_ends_the_server_after_two_seconds_and_a_second_one_changes_nothing() {
    let server = Program::start(SERVER);
    let asked = Instant::now();
    server.interrupt();
    server.wait_for("Caught an interrupt signal; exiting cleanly in two seconds.");
    // On a slow machine the server may already have ended. Then this interrupt has no effect.
    server.interrupt();
    let (status, lines) = server.wait();
    assert_eq!(status.code(), Some(0));
    assert!(asked.elapsed() >= Duration::from_secs(2), "it ends too early");
    assert_eq!(lines, ["done"]);
}

#[test]
fn an_idle_server_is_never_woken() {
    let server = Program::start(SERVER);
    assert_eq!(server.visit(), GREETING);
    server.wait_for("flushed answer");
    // The server may still be woken by the client's end of stream, but by nothing after it. A server that is
    // woken without reason is woken in each of these intervals.
    let mut before = wake_ups(&server);
    let is_quiet = (0..20).any(|_| {
        thread::sleep(Duration::from_millis(500));
        let after = wake_ups(&server);
        after == std::mem::replace(&mut before, after)
    });
    assert!(is_quiet, "it is woken for no reason");
}

/// Returns the number of times that the server has gone to sleep.
fn wake_ups(server: &Program) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.unwrap().trim().parse().unwrap()
}

/// Checks that the program ends with status 1 and prints only one line, which contains all of `wanted`.
fn refused(arguments: &[&str], wanted: &[&str]) {
    let output = Program::run(SERVER, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{arguments:?}: {said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    for wanted in wanted {
        assert!(said.contains(wanted), "{said} does not name {wanted:?}");
    }
}

#[test]
fn a_port_in_use_is_refused_by_name() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    refused(&["--listen", &address], &[&address, "in use"]);
}

#[test]
fn an_address_that_is_not_ours_is_refused_by_name() {
    refused(&["--listen", "192.0.2.1:9995"], &["192.0.2.1:9995", "Cannot assign"]);
}

#[test]
fn a_command_line_that_makes_no_sense_is_refused_by_name() {
    refused(&["--listen", "9995"], &["--listen", "\"9995\"", "ADDR:PORT"]);
    refused(&["--listen", "127.0.0.1:99999"], &["--listen", "127.0.0.1:99999"]);
    refused(&["--listen"], &["--listen"]);
    refused(&["--port", "1"], &["--port"]);
}
