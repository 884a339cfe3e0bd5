//! Outgoing connections.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;

use picoevent::{Conn, ConnError, ConnEvent, Cx, Direction, End, Full};

use crate::support::run;

#[derive(Default)]
struct App {
    received: Vec<u8>,
    events: Vec<ConnEvent>,
}

impl App {
    fn received(&mut self, cx: &mut Cx<Self>, conn: Conn) {
        let mut bytes = [0; 64];
        let amount = cx.conn(conn).unwrap().read(&mut bytes);
        self.received.extend_from_slice(&bytes[..amount]);
    }

    fn happened(&mut self, cx: &mut Cx<Self>, conn: Conn, event: ConnEvent) {
        self.events.push(event);
        if event != ConnEvent::Connected {
            cx.conn(conn).unwrap().close();
            cx.exit();
        }
    }

    fn connect(cx: &mut Cx<Self>, server: SocketAddr) -> Conn {
        let conn = cx.connect(server).unwrap();
        let mut held = cx.conn(conn).unwrap();
        held.on_read(Self::received).on_event(Self::happened).enable(Direction::Read);
        conn
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
        let conn = App::connect(base, address);
        base.conn(conn).unwrap().write(b"early").unwrap();
    });
    assert_eq!(serving.join().unwrap(), *b"early");
    assert_eq!(app.received, b"answer");
    assert_eq!(app.events, [ConnEvent::Connected, ConnEvent::Eof]);
}

#[test]
fn a_port_where_nobody_listens_refuses() {
    // No other test uses this address, so nobody takes the port meanwhile.
    let free = TcpListener::bind("127.0.0.3:0").unwrap().local_addr().unwrap();
    let mut app = App::default();
    run::<2, _>(&mut app, |_, base, _| {
        let _ = App::connect(base, free);
    });
    assert_eq!(app.events, [ConnEvent::Failed(ConnError::Refused)]);
}

/// Nothing is sent to these. 127.255.255.255 is the broadcast address of the loopback network.
#[test]
fn an_address_that_is_no_peers_is_invalid() {
    let nobodys = [
        "255.255.255.255:9",
        "127.255.255.255:9",
        "224.0.0.1:9",
        "0.0.0.0:9",
        "127.0.0.1:0",
        "[ff02::1]:9",
        "[::]:9",
        "[::ffff:255.255.255.255]:9",
    ];
    for address in nobodys {
        let mut app = App::default();
        run::<2, _>(&mut app, |_, base, _| {
            let _ = App::connect(base, address.parse().unwrap());
        });
        assert_eq!(app.events, [ConnEvent::Failed(ConnError::AddressInvalid)], "{address}");
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
        let conn = App::connect(base, address);
        let mut held = base.conn(conn).unwrap();
        held.set_nagle(true).set_keep_alive(None).write(b"tuned").unwrap();
    });
    assert_eq!(serving.join().unwrap(), *b"tuned");
    assert_eq!(app.events, [ConnEvent::Connected, ConnEvent::Eof]);
}

#[test]
fn a_connection_closed_at_once_still_delivers() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let mut app = App::default();
    let end = run::<1, _>(&mut app, |_, base, _| {
        let conn = App::connect(base, address);
        assert_eq!(base.connect(address), Err(Full::Conns));
        let mut held = base.conn(conn).unwrap();
        held.write(b"last words").unwrap();
        held.close();
        base.every(std::time::Duration::from_millis(1), |_, cx, _, _| {
            // The slot comes back when the output is gone.
            if let Ok(conn) = cx.connect(([127, 0, 0, 1], 1).into()) {
                cx.conn(conn).unwrap().free();
                cx.exit();
            }
        })
        .unwrap();
    });
    assert_eq!((end, app.events.len()), (End::Exit, 0));
    let (mut client, _) = server.accept().unwrap();
    let mut words = Vec::new();
    client.read_to_end(&mut words).unwrap();
    assert_eq!(words, b"last words");
}
