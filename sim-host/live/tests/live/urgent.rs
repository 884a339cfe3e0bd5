//! Urgent data (RFC 9293, 3.8.5): a read from the socket stops at the urgent data, even if more bytes have arrived.

use std::io::Write;
use std::net::TcpStream;

use picoevent::{ConnEvent, ConnMut};
use rustix::net::{SendFlags, send};

use crate::support::{client, listen, run};

#[derive(Default)]
struct App {
    client: Option<TcpStream>,
    rounds: usize,
    received: Vec<u8>,
}

impl App {
    /// When the connection opens, the client sends all its data. So all data has arrived before the loop first reads
    /// the socket.
    fn happened(&mut self, conn: &mut ConnMut<Self>, event: ConnEvent) {
        match event {
            ConnEvent::Opened => self.send_all(),
            ConnEvent::Readable => self.received(conn),
            event => panic!("{event:?}"),
        }
    }

    fn send_all(&mut self) {
        let client = self.client.as_mut().unwrap();
        client.write_all(b"abc").unwrap();
        send(&client, b"!", SendFlags::OOB).unwrap();
        client.write_all(b"def").unwrap();
    }

    fn received(&mut self, conn: &mut ConnMut<Self>) {
        let mut bytes = [0; 64];
        let amount = conn.read(&mut bytes);
        self.received.extend_from_slice(&bytes[..amount]);
        if self.received.len() < 6 {
            return;
        }
        assert_eq!(self.received, b"abcdef");
        self.received.clear();
        self.rounds += 1;
        match self.rounds {
            3 => conn.cx().exit(),
            _ => self.send_all(),
        }
    }
}

#[test]
fn data_after_urgent_data_is_reported_at_once() {
    let mut app = App::default();
    run::<1, _>(&mut app, |live, base, app| {
        let (_, server) = listen(live, base, App::happened);
        app.client = Some(client(server));
    });
    assert_eq!(app.rounds, 3);
}
