//! The clients detect wrong servers. The tests start each kind of wrong server.

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

/// Ends a test that hangs. It is not a measure of speed.
const LIMIT: Duration = Duration::from_secs(60);

/// Serves each connection in a separate thread, which ends with its client.
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

/// Starts a server that changes bytes with `change` and echoes them. `change` receives their stream position.
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

fn talk(server: SocketAddr, connections: usize) -> Result<Report> {
    let mut clients = Clients::connect(server, connections, Deadline::after(LIMIT))?;
    let report = clients.talk(100)?;
    clients.hang_up()?;
    Ok(report)
}

fn flip(wanted: u64) -> impl Fn(u64, &mut Vec<u8>) + Clone + Send {
    move |at, bytes| {
        if let Some(byte) = wanted.checked_sub(at).and_then(|at| bytes.get_mut(at as usize)) {
            *byte ^= 1;
        }
    }
}

fn is_found<T: std::fmt::Debug>(run: Result<T>, wanted: &str) {
    let wrong = run.unwrap_err().to_string();
    assert!(wrong.ends_with(wanted) || wrong.starts_with(wanted), "{wrong}");
}

#[test]
fn a_correct_greeting_is_accepted() {
    assert_eq!(hello(GREETING).unwrap().latency.len(), 20);
}

#[test]
fn a_greeting_with_a_wrong_byte_is_found() {
    is_found(hello(b"Hello, world!\n"), "got a wrong byte at 7");
}

#[test]
fn a_greeting_that_is_too_long_or_too_short_is_found() {
    is_found(hello(b"Hello, World!\n\n"), "got more than it should");
    is_found(hello(b"Hello, World!"), "was ended by the server before its time");
}

#[test]
fn a_missing_server_is_found() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let deadline = Deadline::after(LIMIT);
    is_found(Hello { connections: 1, concurrency: 1 }.run(address, deadline), "0 was lost");
    assert!(Clients::connect(address, 1, deadline).is_err());
}

#[test]
fn a_correct_echo_is_accepted_on_one_connection_and_on_many() {
    for connections in [1, 50] {
        let report = talk(echo(|_, _| {}), connections).unwrap();
        assert_eq!(report.latency.len(), 100);
    }
}

#[test]
fn a_wrong_byte_of_an_echo_is_found_with_its_position() {
    is_found(talk(echo(flip(1000)), 1), "connection 0 got a wrong byte at 1000");
}

#[test]
fn an_echo_of_too_many_bytes_is_found() {
    is_found(talk(echo(|_, bytes| bytes.push(0)), 1), "connection 0 got more than it should");
}

#[test]
fn an_echo_that_closes_early_is_found() {
    let hang_up = |at, bytes: &mut Vec<u8>| {
        if at >= 640 {
            bytes.clear();
        }
    };
    is_found(talk(echo(hang_up), 1), "connection 0 was ended by the server before its time");
}

#[test]
fn a_server_that_never_answers_is_late() {
    let address = server(|mut client| drop(client.read_to_end(&mut Vec::new())));
    let deadline = Deadline::after(Duration::from_millis(100));
    // On a slow machine the deadline passes while the clients connect.
    let run = Clients::connect(address, 3, deadline).and_then(|mut clients| clients.talk(5));
    is_found(run, " were done within 0 s");
}

#[test]
fn a_wrong_byte_in_mebibytes_is_found_with_its_position() {
    let bulk = |server| {
        let mut bulk = Bulk::connect(server, Deadline::after(LIMIT))?;
        bulk.run(3)?;
        bulk.hang_up()
    };
    bulk(echo(|_, _| {})).unwrap();
    is_found(bulk(echo(flip((1 << 20) + 5))), "connection 0 got a wrong byte at 1048581");
    is_found(bulk(echo(|_, bytes| bytes.push(0))), "connection 0 got ");
}

/// Runs the clients and the server of a proxy that changes what the clients send. `change` receives the stream
/// position of the bytes.
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
    relay.hang_up()?;
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
fn a_right_proxy_is_measured_and_a_wrong_one_refused() {
    assert_eq!(relay(|_, _| {}).unwrap().latency.len(), 1);
    let failure = relay(flip(2_000_000)).unwrap_err();
    assert!(format!("{failure:#}").contains("got a wrong byte at 2000000"), "{failure:#}");
    let failure = relay(|at, bytes| bytes.truncate(if at > 1_500_000 { 0 } else { bytes.len() }));
    let failure = format!("{:#}", failure.unwrap_err());
    assert!(
        failure.contains("was ended by the server") || failure.contains("was lost"),
        "{failure}"
    );
}
