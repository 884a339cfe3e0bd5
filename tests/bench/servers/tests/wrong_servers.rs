//! The clients detect servers that make errors. The tests start a server for each kind of error.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use picoevent_bench_servers::load::bulk::Bulk;
use picoevent_bench_servers::load::echo::Clients;
use picoevent_bench_servers::load::hello::Hello;
use picoevent_bench_servers::load::relay::Relay;
use picoevent_bench_servers::load::{Deadline, Report};

const GREETING: &[u8] = b"Hello, World!\n";

/// The time limit of a test. It only ends a test that hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// Starts a server that serves each connection in a separate thread. The thread ends when `serve` returns.
fn server(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let serve = serve.clone();
            thread::spawn(move || serve(client));
        }
    });
    address
}

fn hello(greeting: &'static [u8]) -> Result<Report> {
    let address = server(move |mut client| client.write_all(greeting).unwrap_or_default());
    Hello { connections: 20, concurrency: 4 }.run(address, Deadline::after(LIMIT))
}

/// Starts a server that changes the received bytes with `change` and echoes them. `change` receives the position of the
/// bytes in the stream.
fn echo(change: impl Fn(u64, &mut Vec<u8>) + Clone + Send + 'static) -> SocketAddr {
    server(move |mut client| {
        let (mut buffer, mut at) = (vec![0; 65536], 0);
        while let Ok(amount @ 1..) = client.read(&mut buffer) {
            let mut bytes = buffer[..amount].to_vec();
            change(at, &mut bytes);
            at += amount as u64;
            if bytes.is_empty() || client.write_all(&bytes).is_err() {
                return;
            }
        }
    })
}

fn exchange(server: SocketAddr, connections: usize) -> Result<Report> {
    let mut clients = Clients::connect(server, connections, Deadline::after(LIMIT))?;
    let report = clients.exchange(100)?;
    clients.reset()?;
    Ok(report)
}

fn flip_byte(wanted: u64) -> impl Fn(u64, &mut Vec<u8>) + Clone + Send {
    move |at, bytes| {
        if let Some(byte) = wanted.checked_sub(at).and_then(|at| bytes.get_mut(at as usize)) {
            *byte ^= 1;
        }
    }
}

fn assert_error<T: std::fmt::Debug>(run: Result<T>, wanted: &str) {
    let wrong = run.unwrap_err().to_string();
    assert!(wrong.ends_with(wanted) || wrong.starts_with(wanted), "{wrong}");
}

#[test]
fn a_correct_greeting_is_accepted() {
    assert_eq!(hello(GREETING).unwrap().latency.len(), 20);
}

#[test]
fn a_greeting_with_a_wrong_byte_is_detected() {
    assert_error(hello(b"Hello, world!\n"), "received a wrong byte at 7");
}

#[test]
fn a_greeting_that_is_too_long_or_too_short_is_detected() {
    assert_error(hello(b"Hello, World!\n\n"), "received more bytes than expected");
    assert_error(hello(b"Hello, World!"), "was ended too early by the server");
}

#[test]
fn a_missing_server_is_detected() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let deadline = Deadline::after(LIMIT);
    assert_error(Hello { connections: 1, concurrency: 1 }.run(address, deadline), "0 was lost");
    assert!(Clients::connect(address, 1, deadline).is_err());
}

#[test]
fn a_correct_echo_is_accepted_on_one_connection_and_on_many() {
    for connections in [1, 50] {
        let report = exchange(echo(|_, _| {}), connections).unwrap();
        assert_eq!(report.latency.len(), 100);
    }
}

#[test]
fn a_wrong_byte_of_an_echo_is_detected_with_its_position() {
    assert_error(exchange(echo(flip_byte(1000)), 1), "connection 0 received a wrong byte at 1000");
}

#[test]
fn an_echo_of_too_many_bytes_is_detected() {
    assert_error(
        exchange(echo(|_, bytes| bytes.push(0)), 1),
        "connection 0 received more bytes than expected",
    );
}

#[test]
fn an_echo_that_closes_early_is_detected() {
    let close_early = |at, bytes: &mut Vec<u8>| {
        if at >= 640 {
            bytes.clear();
        }
    };
    assert_error(exchange(echo(close_early), 1), "connection 0 was ended too early by the server");
}

#[test]
fn a_server_that_never_answers_exceeds_the_deadline() {
    let address = server(|mut client| drop(client.read_to_end(&mut Vec::new())));
    let deadline = Deadline::after(Duration::from_millis(100));
    // On a slow machine the deadline may pass during `connect`. Then `connect` returns the error.
    let run = Clients::connect(address, 3, deadline).and_then(|mut clients| clients.exchange(5));
    assert_error(run, " were done within 0 s");
}

#[test]
fn a_wrong_byte_in_mebibytes_is_detected_with_its_position() {
    let bulk = |server| {
        let mut bulk = Bulk::connect(server, Deadline::after(LIMIT))?;
        bulk.run(3)?;
        bulk.reset()
    };
    bulk(echo(|_, _| {})).unwrap();
    assert_error(
        bulk(echo(flip_byte((1 << 20) + 5))),
        "connection 0 received a wrong byte at 1048581",
    );
    assert_error(bulk(echo(|_, bytes| bytes.push(0))), "connection 0 received ");
}

/// Runs the clients and the server of a proxy that changes the bytes of the clients with `change`. `change` receives
/// the position of the bytes in the stream.
fn relay(change: impl Fn(u64, &mut Vec<u8>) + Clone + Send + 'static) -> Result<Report> {
    let server = mio::net::TcpListener::bind("127.0.0.1:0".parse()?)?;
    let to = server.local_addr()?;
    let proxy = self::server(move |client| {
        let Ok(server) = TcpStream::connect(to) else { return };
        let (back_from, back_to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        thread::spawn(move || pass_on(back_from, back_to, |_, _| {}));
        pass_on(client, server, change.clone());
    });
    let mut relay = Relay::connect(server, proxy, 3, Deadline::after(LIMIT))?;
    relay.run(1)?;
    let report = relay.run(4)?;
    relay.reset()?;
    Ok(report)
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, change: impl Fn(u64, &mut Vec<u8>)) {
    let (mut buffer, mut at) = (vec![0; 65536], 0);
    while let Ok(amount @ 1..) = from.read(&mut buffer) {
        let mut bytes = buffer[..amount].to_vec();
        change(at, &mut bytes);
        at += amount as u64;
        if bytes.is_empty() || to.write_all(&bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

#[test]
fn a_correct_proxy_is_measured_and_a_faulty_one_is_refused() {
    assert_eq!(relay(|_, _| {}).unwrap().latency.len(), 1);
    let failure = relay(flip_byte(2_000_000)).unwrap_err();
    assert!(format!("{failure:#}").contains("received a wrong byte at 2000000"), "{failure:#}");
    let failure = relay(|at, bytes| bytes.truncate(if at > 1_500_000 { 0 } else { bytes.len() }));
    let failure = format!("{:#}", failure.unwrap_err());
    assert!(
        failure.contains("was ended too early by the server") || failure.contains("was lost"),
        "{failure}"
    );
}
