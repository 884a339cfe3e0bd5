//! Outgoing connections.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::Duration;

use picoevent::{Conn, ConnEnd, ConnError, ConnEvent, ConnMut, Cx, End, PoolId, SetupError};

use crate::support::{PLAIN, pool, run};

const CLOSED: ConnEvent = ConnEvent::Ended(ConnEnd::Closed);

const fn failed(error: ConnError) -> ConnEvent {
    ConnEvent::Ended(ConnEnd::Failed(error))
}

#[derive(Default)]
struct App {
    received: Vec<u8>,
    events: Vec<ConnEvent>,
    pool: Option<PoolId>,
    conn: Option<Conn>,
    /// Addresses to connect to later.
    next: Vec<SocketAddr>,
}

impl App {
    /// Takes what comes, and ends with the connection.
    fn happened(&mut self, conn: &mut ConnMut<Self>, event: ConnEvent) {
        match event {
            ConnEvent::Readable => {
                let mut bytes = [0; 64];
                let amount = conn.read(&mut bytes);
                self.received.extend_from_slice(&bytes[..amount]);
            }
            ConnEvent::Writable => {}
            event => self.events.push(event),
        }
        match event {
            ConnEvent::Eof => conn.close(),
            ConnEvent::Ended(_) => conn.cx().exit(),
            _ => {}
        }
    }

    fn connect(cx: &mut Cx<Self>, server: SocketAddr, pool: PoolId) -> Conn {
        cx.connect_with(server, pool, PLAIN, Self::happened).unwrap()
    }
}

#[test]
fn what_is_written_before_the_connection_is_open_arrives() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let serving = thread::spawn(move || {
        let (mut client, _) = server.accept().unwrap();
        let mut question = [0; 5];
        client.read_exact(&mut question).unwrap();
        client.write_all(b"answer").unwrap();
        question
    });
    let mut app = App::default();
    run::<2, _>(&mut app, |_, base, _| {
        let pool = pool(base);
        let conn = App::connect(base, address, pool);
        base.conn(conn).unwrap().write(b"early").unwrap();
    });
    assert_eq!(serving.join().unwrap(), *b"early");
    assert_eq!(app.received, b"answer");
    assert_eq!(app.events, [ConnEvent::Opened, ConnEvent::Eof, CLOSED]);
}

#[test]
fn a_port_without_a_listener_refuses() {
    // No other test uses this address, so the port stays free.
    let free = TcpListener::bind("127.0.0.3:0").unwrap().local_addr().unwrap();
    let mut app = App::default();
    run::<2, _>(&mut app, |_, base, _| {
        let pool = pool(base);
        App::connect(base, free, pool);
    });
    assert_eq!(app.events, [failed(ConnError::Refused)]);
}

/// Nothing is sent to these. 127.255.255.255 is the broadcast address of the loopback network.
#[test]
fn an_address_that_is_no_peers_is_invalid() {
    let no_peers = [
        "255.255.255.255:9",
        "127.255.255.255:9",
        "224.0.0.1:9",
        "0.0.0.0:9",
        "127.0.0.1:0",
        "[ff02::1]:9",
        "[::]:9",
        "[::ffff:255.255.255.255]:9",
    ];
    for address in no_peers {
        let mut app = App::default();
        run::<2, _>(&mut app, |_, base, _| {
            let pool = pool(base);
            App::connect(base, address.parse().unwrap(), pool);
        });
        assert_eq!(app.events, [failed(ConnError::AddressInvalid)], "{address}");
    }
}

#[test]
fn settings_change_and_the_connection_goes_on() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let serving = thread::spawn(move || {
        let (mut client, _) = server.accept().unwrap();
        let mut question = [0; 5];
        client.read_exact(&mut question).unwrap();
        question
    });
    let mut app = App::default();
    run::<1, _>(&mut app, |_, base, _| {
        let pool = pool(base);
        let conn = App::connect(base, address, pool);
        let mut held = base.conn(conn).unwrap();
        held.set_nagle(true).set_keep_alive(None).write(b"tuned").unwrap();
    });
    assert_eq!(serving.join().unwrap(), *b"tuned");
    assert_eq!(app.events, [ConnEvent::Opened, ConnEvent::Eof, CLOSED]);
}

#[test]
fn a_connection_closed_at_once_still_delivers() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let mut app = App::default();
    let end = run::<1, _>(&mut app, |_, base, app| {
        let pool = pool(base);
        app.pool = Some(pool);
        let called = |app: &mut App, _: &mut ConnMut<App>, event| app.events.push(event);
        let conn = base.connect_with(address, pool, PLAIN, called).unwrap();
        let another = base.outgoing_with(pool, PLAIN, called);
        assert_eq!(another, Err(SetupError::PoolFull));
        let mut held = base.conn(conn).unwrap();
        held.write(b"last words").unwrap();
        held.close();
        base.every(Duration::from_millis(1), |app, event| {
            // The slot comes back when the output is gone.
            let pool = app.pool.unwrap();
            if event.outgoing_with(pool, PLAIN, |_, _, _| {}).is_ok() {
                event.exit();
            }
        })
        .unwrap();
    });
    assert_eq!((end, app.events), (End::Exit, vec![CLOSED]));
    let (mut client, _) = server.accept().unwrap();
    let mut words = Vec::new();
    client.read_to_end(&mut words).unwrap();
    assert_eq!(words, b"last words");
}

/// The first server does not listen, the second one closes at once, the third one answers.
#[test]
fn a_connection_that_has_ended_connects_again_with_the_same_handle() {
    // No other test uses this address, so the port stays free.
    let free = TcpListener::bind("127.0.0.4:0").unwrap().local_addr().unwrap();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let serving = thread::spawn(move || {
        drop(server.accept().unwrap());
        let (mut client, _) = server.accept().unwrap();
        client.write_all(b"answer").unwrap();
    });
    let mut app = App { next: vec![address, address], ..App::default() };
    run::<1, _>(&mut app, |_, base, app| {
        let again = |app: &mut App, conn: &mut ConnMut<App>, event| {
            assert_eq!(Some(conn.id()), app.conn);
            match event {
                ConnEvent::Ended(end) if !app.next.is_empty() => {
                    app.events.push(ConnEvent::Ended(end));
                    let next = app.next.remove(0);
                    conn.connect_after(Duration::from_millis(1), next).unwrap();
                }
                event => app.happened(conn, event),
            }
        };
        let pool = pool(base);
        let conn = base.outgoing_with(pool, PLAIN, again).unwrap();
        base.conn(conn).unwrap().connect(free).unwrap();
        app.conn = Some(conn);
    });
    serving.join().unwrap();
    assert_eq!(app.received, b"answer");
    let opened = [ConnEvent::Opened, ConnEvent::Eof, CLOSED];
    let events = [failed(ConnError::Refused)].into_iter().chain(opened).chain(opened);
    assert_eq!(app.events, events.collect::<Vec<_>>());
}
