//! Outgoing connections: tests that are not in the conformance suite.

use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::thread;

use picoevent::{Conn, ConnEnd, ConnError, ConnEvent, ConnMut, Cx, PoolId};

use crate::support::{PLAIN, pool, run};

const CLOSED: ConnEvent = ConnEvent::Ended(ConnEnd::Closed);

const fn failed(error: ConnError) -> ConnEvent {
    ConnEvent::Ended(ConnEnd::Failed(error))
}

#[derive(Default)]
struct App {
    events: Vec<ConnEvent>,
}

impl App {
    /// Logs the event, and exits when the connection ends.
    fn happened(&mut self, conn: &mut ConnMut<Self>, event: ConnEvent) {
        match event {
            ConnEvent::Readable | ConnEvent::Writable => {}
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

/// The back end sends nothing to these addresses. 127.255.255.255 is the broadcast address of the loopback network.
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
