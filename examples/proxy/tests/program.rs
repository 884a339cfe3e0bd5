//! Tests the program as a process on a host, between clients and servers of the test.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::thread;

use desk::program::{Program, limited, read_all, reset};
use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};

const PROXY: &str = env!("CARGO_BIN_EXE_proxy");

/// The number of clients in a test. The proxy has fewer slots than this number.
const PAIRS: usize = 300;

/// A proxy, and the listener of the server that the proxy connects to.
struct Scene {
    proxy: Program,
    server: TcpListener,
}

impl Scene {
    fn new() -> Self {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let proxy = proxy_to(server.local_addr().unwrap());
        Self { proxy, server }
    }

    /// Accepts the proxy's next connection to the server.
    fn accept(&self) -> TcpStream {
        limited(self.server.accept().unwrap().0)
    }

    /// Returns a new client, and the server's side of the connection that the proxy has opened for this client.
    fn pair(&self) -> (TcpStream, TcpStream) {
        (self.proxy.connect(), self.accept())
    }
}

fn proxy_to(server: SocketAddr) -> Program {
    Program::start_with(PROXY, &["--to", &server.to_string()])
}

fn pattern(seed: usize) -> Vec<u8> {
    (0..1 << 20).map(|at| ((at + seed) * 31 % 251) as u8).collect()
}

/// Sends everything and ends the stream.
fn send_all(stream: &mut TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
}

/// Reads until the stream ends or fails. Returns the bytes, or the error.
fn read_to_any_end(stream: &mut TcpStream) -> Result<Vec<u8>, ErrorKind> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).map(|_| bytes).map_err(|error| error.kind())
}

#[test]
fn a_megabyte_each_way_arrives_intact_for_four_clients_at_once() {
    let scene = Scene::new();
    let send = |stream: &TcpStream, seed| {
        let mut stream = stream.try_clone().unwrap();
        thread::spawn(move || send_all(&mut stream, &pattern(seed)))
    };
    thread::scope(|scope| {
        for seed in 0..4 {
            let (mut client, mut server) = scene.pair();
            scope.spawn(move || {
                let sending = [send(&client, seed), send(&server, seed + 100)];
                let reading = scope.spawn(move || read_all(&mut server) == pattern(seed));
                assert!(
                    read_all(&mut client) == pattern(seed + 100),
                    "the bytes for the client were changed"
                );
                assert!(reading.join().unwrap(), "the bytes for the server were changed");
                sending.into_iter().for_each(|thread| thread.join().unwrap());
            });
        }
    });
}

#[test]
fn after_the_end_of_a_client_the_server_can_still_answer() {
    let scene = Scene::new();
    let (mut client, mut server) = scene.pair();
    send_all(&mut client, b"the question");
    assert_eq!(read_all(&mut server), b"the question");
    send_all(&mut server, b"the answer");
    assert_eq!(read_all(&mut client), b"the answer");
}

#[test]
fn after_the_end_of_the_server_the_client_can_still_send() {
    let scene = Scene::new();
    let (mut client, mut server) = scene.pair();
    send_all(&mut server, b"a greeting");
    assert_eq!(read_all(&mut client), b"a greeting");
    send_all(&mut client, b"and a goodbye");
    assert_eq!(read_all(&mut server), b"and a goodbye");
}

#[test]
fn a_reset_of_one_side_resets_the_other() {
    let scene = Scene::new();
    let (mut client, server) = scene.pair();
    reset(server);
    assert_eq!(read_to_any_end(&mut client), Err(ErrorKind::ConnectionReset));
    let (client, mut server) = scene.pair();
    reset(client);
    assert_eq!(read_to_any_end(&mut server), Err(ErrorKind::ConnectionReset));
}

#[test]
fn a_client_is_reset_when_the_server_does_not_listen() {
    // The port is bound, but nothing listens on the port.
    let taken = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&taken, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = SocketAddr::try_from(getsockname(&taken).unwrap()).unwrap();
    let proxy = proxy_to(address);
    for _ in 0..3 {
        assert_eq!(read_to_any_end(&mut proxy.connect()), Err(ErrorKind::ConnectionReset));
    }
}

#[test]
fn no_bytes_are_lost_if_the_server_does_not_read_for_a_while() {
    let scene = Scene::new();
    let (mut client, mut server) = scene.pair();
    let sent = thread::spawn(move || {
        for seed in 0..16 {
            client.write_all(&pattern(seed)).unwrap();
        }
        client.shutdown(Shutdown::Write).unwrap();
        read_all(&mut client)
    });
    // Meanwhile another client is served.
    let (mut other, mut its_server) = scene.pair();
    send_all(&mut other, b"hello");
    assert_eq!(read_all(&mut its_server), b"hello");
    let received = read_all(&mut server);
    assert!(received == (0..16).flat_map(pattern).collect::<Vec<_>>(), "it arrived changed");
    drop(server);
    assert_eq!(sent.join().unwrap(), b"");
}

#[test]
fn slots_of_misbehaving_clients_and_servers_become_free() {
    let scene = Scene::new();
    for number in 0..PAIRS {
        let (mut client, mut server) = scene.pair();
        match number % 4 {
            0 => reset(client),
            1 => reset(server),
            2 => drop(client.write_all(&pattern(number)[..10_000])),
            _ => drop(server.write_all(&pattern(number)[..10_000])),
        }
    }
    let (mut client, mut server) = scene.pair();
    send_all(&mut client, b"still here");
    assert_eq!(read_all(&mut server), b"still here");
}

#[test]
fn an_interrupt_ends_the_proxy() {
    let scene = Scene::new();
    let _connection = scene.pair();
    scene.proxy.interrupt();
    let (status, lines) = scene.proxy.wait();
    assert_eq!(status.code(), Some(0));
    assert_eq!(lines.last().map(String::as_str), Some("done"));
}

#[test]
fn the_error_for_a_wrong_argument_contains_the_argument() {
    for (arguments, expected) in [
        (&[][..], "--to is missing"),
        (&["--to", "9995"], "--to: \"9995\" is not ADDR:PORT"),
        (&["--from", "127.0.0.1:1"], "'--from'"),
    ] {
        let output = Program::run(PROXY, arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains(expected), "{error}");
    }
}
