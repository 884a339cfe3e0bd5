//! Sockets that linger: sockets of closed connections, which keep their descriptors until the peers end their streams.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use picoevent::{ConnEnd, ConnEvent, ConnMut, Cx, EventBase, Pool, PoolId, Settings, Storage};
use picoevent_mio::Live;

use crate::{LIMIT, leave_descriptors, run_alone};

const PLAIN: &Settings = &Settings::new();
const ANY_PORT: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

/// The number of clients. A client reads its answer, and never closes its connection.
const CLIENTS: usize = 20;

/// The longest time for which a closed socket lingers. It is longer than any test.
const HOUR: Duration = Duration::from_secs(3600);

#[derive(Default)]
struct App {
    served: usize,
    wanted: usize,
    done: bool,
    next: Option<SocketAddr>,
    pool: Option<PoolId>,
}

impl App {
    fn serve(&mut self, conn: &mut ConnMut<Self>, event: ConnEvent) {
        match event {
            ConnEvent::Opened => self.accepted(conn),
            event => assert_eq!(event, ConnEvent::Ended(ConnEnd::Closed)),
        }
    }

    fn accepted(&mut self, conn: &mut ConnMut<Self>) {
        conn.write(b"at once").unwrap();
        conn.close();
        self.served += 1;
        if self.served < self.wanted {
            return;
        }
        match self.next {
            // Connects in the next iteration of the loop. At that time, the closed socket lingers.
            Some(_) => drop(conn.cx().after(Duration::ZERO, |app, event| app.connect(event))),
            None => self.done = true,
        }
    }

    fn connect(&mut self, cx: &mut Cx<Self>) {
        let opened = |app: &mut Self, _: &mut ConnMut<Self>, event| {
            assert_eq!(event, ConnEvent::Opened);
            app.done = true;
        };
        cx.connect_with(self.next.unwrap(), self.pool.unwrap(), PLAIN, opened).unwrap();
    }
}

/// Serves clients that wait in the backlog. Only `descriptors` descriptors are free, and closed sockets linger for
/// longer than the test lasts.
fn serve(app: &mut App, descriptors: usize) {
    let mut storage = Box::new(Storage::<App, 2, 16, 16384>::new());
    let mut base = EventBase::new(&mut storage);
    base.set_close_limits(HOUR, HOUR);
    let pool = base.add_pool(Pool::rest()).unwrap();
    app.pool = Some(pool);
    let mut live = Live::new().unwrap();
    let listener = base.listen_with(ANY_PORT.into(), pool, PLAIN, App::serve).unwrap();
    live.settle(&mut base).unwrap();
    let server = live.local_addr(listener).unwrap();
    let clients: Vec<_> = (0..app.wanted).map(|_| TcpStream::connect(server).unwrap()).collect();
    let _taken = leave_descriptors(descriptors);
    let began = Instant::now();
    while !app.done {
        live.iterate_once(&mut base, app).unwrap();
        assert!(began.elapsed() < LIMIT, "{} of {} were served", app.served, app.wanted);
    }
    // Makes the back end send the last answer.
    live.settle(&mut base).unwrap();
    for mut client in clients {
        client.set_read_timeout(Some(LIMIT)).unwrap();
        let mut answer = [0; 7];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"at once");
    }
}

#[test]
fn lingering_sockets_are_closed_for_new_clients() {
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
fn a_lingering_socket_is_closed_for_an_outgoing_connection() {
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
