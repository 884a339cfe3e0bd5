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
fn a_client_gets_the_greeting_and_the_server_logs_it() {
    let server = Program::start(SERVER);
    assert_eq!(server.connect_and_read(), GREETING);
    server.wait_for("flushed answer");
}

#[test]
fn twenty_thousand_clients_one_after_another_are_answered() {
    let server = Program::start(SERVER);
    for number in 0..20_000 {
        assert_eq!(server.connect_and_read(), GREETING, "client {number}");
    }
}

#[test]
fn a_thousand_clients_at_once_are_answered() {
    raise_descriptor_limit();
    let server = Program::start(SERVER);
    let mut clients: Vec<_> = (0..1_000).map(|_| server.connect()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        assert_eq!(read_all(client), GREETING, "client {number}");
    }
}

/// The server prints a line for each client, and the pipe holds a few hundred lines.
#[test]
fn unread_output_does_not_delay_clients() {
    let server = Program::start_unread(SERVER);
    for number in 0..10_000 {
        assert_eq!(server.connect_and_read(), GREETING, "client {number}");
    }
    server.interrupt();
    assert_eq!(server.wait().0.code(), Some(0));
}

/// The behaviour of a client.
#[derive(Clone, Copy)]
enum Behaviour {
    Visits,
    HalfCloses,
    Resets,
    StaysSilent,
    FloodsAndReadsNothing,
}

const BEHAVIOURS: [Behaviour; 5] = [
    Behaviour::Visits,
    Behaviour::HalfCloses,
    Behaviour::Resets,
    Behaviour::StaysSilent,
    Behaviour::FloodsAndReadsNothing,
];

#[test]
fn misbehaving_clients_do_not_affect_other_clients() {
    let server = Program::start(SERVER);
    let mut open_clients = Vec::new();
    // The order does not matter, but must be the same in each run (a step of Knuth's MMIX generator).
    let mut state = 42_u64;
    for number in 0..200 {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        match BEHAVIOURS[(state >> 33) as usize % BEHAVIOURS.len()] {
            Behaviour::Visits => assert_eq!(server.connect_and_read(), GREETING, "client {number}"),
            Behaviour::HalfCloses => {
                let mut client = server.connect();
                client.shutdown(Shutdown::Write).unwrap();
                assert_eq!(read_all(&mut client), GREETING, "client {number}");
            }
            Behaviour::Resets => reset(&server.connect()),
            Behaviour::StaysSilent => open_clients.push(server.connect()),
            Behaviour::FloodsAndReadsNothing => {
                let mut client = server.connect();
                // The server may have dropped a client that does not stop sending.
                let _ = client.write_all(&[b'?'; 256 * 1024]);
                open_clients.push(client);
            }
        }
    }
    assert_eq!(server.connect_and_read(), GREETING);
}

fn reset(client: &TcpStream) {
    set_socket_linger(client, Some(Duration::ZERO)).unwrap();
}

/// This test does not check that the server still serves clients during the two seconds. A test in `scripted.rs`, which
/// sets the clock itself, checks this behaviour.
#[test]
fn an_interrupt_ends_the_server_after_two_seconds_and_a_second_one_changes_nothing() {
    let server = Program::start(SERVER);
    let start = Instant::now();
    server.interrupt();
    server.wait_for("Caught an interrupt signal; exiting cleanly in two seconds.");
    // On a slow machine the server may already have ended. In this case the second interrupt has no effect.
    server.interrupt();
    let (status, lines) = server.wait();
    assert_eq!(status.code(), Some(0));
    assert!(start.elapsed() >= Duration::from_secs(2), "it ends too early");
    assert_eq!(lines, ["done"]);
}

#[test]
fn an_idle_server_is_never_woken() {
    let server = Program::start(SERVER);
    assert_eq!(server.connect_and_read(), GREETING);
    server.wait_for("flushed answer");
    // The client's end of stream may still wake the server. After the end of stream, nothing may wake the server. So
    // there must be an interval of 500 ms in which the server is not woken. A server that polls is woken in each of the
    // 20 intervals.
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
fn assert_refused(arguments: &[&str], wanted: &[&str]) {
    let output = Program::run(SERVER, arguments);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), output.stdout.len()),
        (Some(1), 0),
        "{arguments:?}: {stderr}"
    );
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    for wanted in wanted {
        assert!(stderr.contains(wanted), "{stderr} does not name {wanted:?}");
    }
}

#[test]
fn the_error_for_a_port_in_use_contains_the_address() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    assert_refused(&["--listen", &address], &[&address, "in use"]);
}

#[test]
fn the_error_for_a_foreign_address_contains_the_address() {
    assert_refused(&["--listen", "192.0.2.1:9995"], &["192.0.2.1:9995", "Cannot assign"]);
}

#[test]
fn the_error_for_a_wrong_argument_contains_the_argument() {
    assert_refused(&["--listen", "9995"], &["--listen", "\"9995\"", "ADDR:PORT"]);
    assert_refused(&["--listen", "127.0.0.1:99999"], &["--listen", "127.0.0.1:99999"]);
    assert_refused(&["--listen"], &["--listen"]);
    assert_refused(&["--port", "1"], &["--port"]);
}
