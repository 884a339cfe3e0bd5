//! Sockets of closed connections, which linger for their peers' end and hold descriptors.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};

use picoevent::{Conn, ConnEvent, Cx, EventBase, Storage};
use picoevent_mio::Live;

use crate::{LIMIT, leave_descriptors, run_alone};

const ANY_PORT: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

/// Clients that read their answer and never close.
const CLIENTS: usize = 20;

/// Turns that are more than enough, and far less than can pass while one socket lingers.
const TURNS: usize = 10 * CLIENTS;

#[derive(Default)]
struct App {
    served: usize,
    wanted: usize,
    done: bool,
    next: Option<SocketAddr>,
}

impl App {
    fn accepted(&mut self, cx: &mut Cx<Self>, conn: Conn) {
        let mut conn = cx.conn(conn).unwrap();
        conn.write(b"at once").unwrap();
        conn.close();
        self.served += 1;
        if self.served < self.wanted {
            return;
        }
        match self.next {
            // In the next turn, when the socket that was closed lingers.
            Some(_) => drop(cx.after(std::time::Duration::ZERO, |app, cx, _, _| app.connect(cx))),
            None => self.done = true,
        }
    }

    fn connect(&mut self, cx: &mut Cx<Self>) {
        let conn = cx.connect(self.next.unwrap()).unwrap();
        cx.conn(conn).unwrap().on_event(|app, _, _, event| {
            assert_eq!(event, ConnEvent::Connected);
            app.done = true;
        });
    }
}

/// Serves clients that wait in the backlog, with so many descriptors left for them. No turn waits,
/// so nothing here can have waited for a socket's time to be up.
fn serve(app: &mut App, descriptors: usize) {
    let mut storage = Box::new(Storage::<App, 2, 16>::new());
    let mut base = EventBase::new(&mut storage);
    let mut live = Live::new().unwrap();
    let listener = base.listen(ANY_PORT.into(), App::accepted).unwrap();
    live.settle(&mut base).unwrap();
    let server = live.local_addr(listener).unwrap();
    let clients: Vec<_> = (0..app.wanted).map(|_| TcpStream::connect(server).unwrap()).collect();
    let _taken = leave_descriptors(descriptors);
    for _ in 0..TURNS {
        live.turn_once(&mut base, app).unwrap();
    }
    assert!(app.done, "{} of {} were served", app.served, app.wanted);
    for mut client in clients {
        client.set_read_timeout(Some(LIMIT)).unwrap();
        let mut answer = [0; 7];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"at once");
    }
}

#[test]
fn lingering_sockets_are_given_up_for_clients_that_call() {
    run_alone("lingering::clients_that_do_not_close");
}

#[test]
#[ignore = "another test runs it, as a process of its own"]
fn clients_that_do_not_close() {
    let mut app = App { wanted: CLIENTS, ..App::default() };
    serve(&mut app, 2);
    assert_eq!(app.served, CLIENTS);
}

#[test]
fn a_lingering_socket_is_given_up_for_an_outgoing_connection() {
    run_alone("lingering::a_connection_after_a_client_that_does_not_close");
}

#[test]
#[ignore = "another test runs it, as a process of its own"]
fn a_connection_after_a_client_that_does_not_close() {
    let other = TcpListener::bind(SocketAddr::from(ANY_PORT)).unwrap();
    let next = Some(other.local_addr().unwrap());
    let mut app = App { wanted: 1, next, ..App::default() };
    serve(&mut app, 1);
}
