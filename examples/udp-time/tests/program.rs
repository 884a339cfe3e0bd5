//! Tests the program as a process on a host, with real clients.

use std::net::{SocketAddr, UdpSocket};
use std::time::{SystemTime, UNIX_EPOCH};

use desk::program::{LIMIT, Program};

const SERVER: &str = env!("CARGO_BIN_EXE_udp-time");

fn client(server: SocketAddr) -> UdpSocket {
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(LIMIT)).unwrap();
    client.connect(server).unwrap();
    client
}

fn answer(client: &UdpSocket) -> u64 {
    let mut answer = [0; 64];
    let length = client.recv(&mut answer).unwrap();
    std::str::from_utf8(&answer[..length]).unwrap().parse().expect("the answer is a number")
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn each_datagram_is_answered_with_the_time() {
    let server = Program::start(SERVER);
    let clients = [client(server.address()), client(server.address())];
    for request in [&b""[..], b"?", &[0; 1_400], &[0xff; 60_000]] {
        for client in &clients {
            let before = now();
            client.send(request).unwrap();
            let answer = answer(client);
            assert!((before..=now()).contains(&answer), "{answer}");
        }
    }
}

#[test]
fn more_requests_than_the_rings_hold_are_all_answered() {
    let server = Program::start(SERVER);
    let client = client(server.address());
    // The operating system's receive buffer holds all these requests. The rings of the server hold far fewer requests.
    for _ in 0..100 {
        client.send(b"what time is it?").unwrap();
    }
    for _ in 0..100 {
        answer(&client);
    }
}

#[test]
fn an_interrupt_ends_the_server() {
    let server = Program::start(SERVER);
    server.interrupt();
    let (status, lines) = server.wait();
    assert!(status.success());
    assert_eq!(lines, ["Caught an interrupt signal.", "done"]);
}

#[test]
fn an_address_in_use_is_an_error_of_one_line() {
    let server = Program::start(SERVER);
    let output = Program::run(SERVER, &["--listen", &server.address().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("error: cannot listen on 127.0.0.1:"), "{stderr}");
    assert_eq!(output.stdout, b"");
}
