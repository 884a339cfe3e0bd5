//! Listeners: accepted clients, clients that wait, and errors.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use picoevent::{ConnEvent, ConnMut, End, EventBase, ListenError, ListenerMut, Pool};
use picoevent_mio::{Capacities, HeapStorage, Live};

use crate::support::{ANY_PORT, PLAIN, RING, client, listen, pool, read_all, run};

#[derive(Default)]
struct App {
    accepted: usize,
    answered: usize,
    wanted: usize,
    errors: Vec<ListenError>,
}

impl App {
    fn wanting(wanted: usize) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// Answers when a connection has received a request, and closes the connection.
    fn answer_request(&mut self, conn: &mut ConnMut<Self>, event: ConnEvent) {
        match event {
            ConnEvent::Opened => self.accepted += 1,
            ConnEvent::Readable => self.answer(conn),
            _ => {}
        }
    }

    /// Answers when a connection opens, without a request, and closes the connection.
    fn greet(&mut self, conn: &mut ConnMut<Self>, event: ConnEvent) {
        if event == ConnEvent::Opened {
            self.accepted += 1;
            self.answer(conn);
        }
    }

    fn answer(&mut self, conn: &mut ConnMut<Self>) {
        conn.write(b"hello").unwrap();
        conn.close();
        self.answered += 1;
        if self.answered == self.wanted {
            conn.cx().exit();
        }
    }

    fn failed(&mut self, listener: &mut ListenerMut<Self>, error: ListenError) {
        self.errors.push(error);
        listener.cx().exit();
    }
}

fn request(client: &mut TcpStream) -> Vec<u8> {
    client.write_all(b"?").unwrap();
    read_all(client)
}

#[test]
fn a_burst_of_clients_is_accepted_whole() {
    let mut app = App::wanting(200);
    let mut clients = None;
    run::<256, _>(&mut app, |live, base, _| {
        let (_, server) = listen(live, base, App::greet);
        let burst: Vec<_> = (0..200).map(|_| client(server)).collect();
        clients = Some(burst);
    });
    for mut client in clients.unwrap() {
        assert_eq!(read_all(&mut client), b"hello");
    }
}

#[test]
fn an_address_in_use_is_reported_to_main_and_to_the_callback() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let mut app = App::default();
    run::<2, _>(&mut app, |live, base, _| {
        let pool = pool(base);
        let listener = base.listen_with(address, pool, PLAIN, App::greet).unwrap();
        base.listener(listener).unwrap().on_error(App::failed);
        live.settle(base).unwrap();
        assert_eq!(live.local_addr(listener).unwrap_err().kind(), ErrorKind::AddrInUse);
    });
    assert_eq!(app.errors, [ListenError::InUse]);
}

#[test]
fn a_listener_that_failed_can_be_enabled_once_the_address_is_free() {
    // No other test uses this address, so the port stays free.
    let other = TcpListener::bind("127.0.0.2:0").unwrap();
    let address = other.local_addr().unwrap();
    let mut app = App::wanting(1);
    run::<2, _>(&mut app, |live, base, _| {
        let pool = pool(base);
        let listener = base.listen_with(address, pool, PLAIN, App::greet).unwrap();
        live.settle(base).unwrap();
        assert!(live.local_addr(listener).is_err());
        drop(other);
        base.listener(listener).unwrap().enable();
        live.settle(base).unwrap();
        assert_eq!(live.local_addr(listener).unwrap(), address);
        drop(client(address));
    });
    assert_eq!(app.accepted, 1);
}

#[test]
fn an_address_that_is_not_ours_is_refused() {
    let mut app = App::default();
    run::<2, _>(&mut app, |live, base, _| {
        // An address that is reserved for documentation (RFC 5737).
        let address = SocketAddr::from(([192, 0, 2, 1], 0));
        let pool = pool(base);
        let listener = base.listen_with(address, pool, PLAIN, App::greet).unwrap();
        base.listener(listener).unwrap().on_error(App::failed);
        live.settle(base).unwrap();
        let error = live.local_addr(listener).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
    });
    assert_eq!(app.errors, [ListenError::NotOurs]);
}

#[test]
fn a_listener_that_was_never_settled_or_was_freed_has_no_address() {
    let mut app = App::default();
    let end = run::<2, _>(&mut app, |live, base, _| {
        let pool = pool(base);
        let listener = base.listen_with(ANY_PORT, pool, PLAIN, App::greet).unwrap();
        assert_eq!(live.local_addr(listener).unwrap_err().kind(), ErrorKind::NotFound);
        live.settle(base).unwrap();
        assert!(live.local_addr(listener).is_ok());
        base.listener(listener).unwrap().free();
        live.settle(base).unwrap();
        assert_eq!(live.local_addr(listener).unwrap_err().kind(), ErrorKind::NotFound);
        base.exit();
    });
    assert_eq!(end, End::Exit);
}

#[test]
fn a_listener_at_its_limit_leaves_slots_to_another() {
    let mut app = App::wanting(3);
    let mut clients = None;
    run::<2, _>(&mut app, |live, base, _| {
        let pool = pool(base);
        let listeners =
            [(); 2].map(|()| base.listen_with(ANY_PORT, pool, PLAIN, App::answer_request).unwrap());
        base.listener(listeners[0]).unwrap().set_limit(1);
        live.settle(base).unwrap();
        let [server, other] = listeners.map(|listener| live.local_addr(listener).unwrap());
        clients = Some(thread::spawn(move || {
            let (mut first, mut waits) = (client(server), client(server));
            waits.write_all(b"?").unwrap();
            let served = request(&mut client(other));
            waits.set_nonblocking(true).unwrap();
            let not_yet = waits.read(&mut [0]).map_err(|error| error.kind());
            waits.set_nonblocking(false).unwrap();
            (served, not_yet, request(&mut first), read_all(&mut waits))
        }));
    });
    let (served, not_yet, first, waited) = clients.unwrap().join().unwrap();
    assert_eq!(not_yet, Err(ErrorKind::WouldBlock));
    assert_eq!([served, first, waited], [b"hello"; 3]);
}

/// An iteration carries out at most 8,192 actions. So the listener is closed only in a later iteration.
#[test]
fn a_listener_that_is_freed_behind_many_other_actions_accepts_nobody() {
    const SOURCES: usize = 9_000;
    let pool = Pool::new(2).rings(RING, RING);
    let capacities = Capacities { sources: SOURCES, ..Capacities::of(&[pool]) };
    let mut storage = HeapStorage::new(capacities).unwrap();
    let (mut base, mut app) = (EventBase::over(storage.memory()), App::default());
    let mut live = Live::new().unwrap();
    let pool = base.add_pool(pool).unwrap();
    let listener = base.listen_with(ANY_PORT, pool, PLAIN, App::greet).unwrap();
    live.settle(&mut base).unwrap();
    let mut client = client(live.local_addr(listener).unwrap());
    for _ in 0..SOURCES {
        let source = base.new_source().unwrap();
        base.forget_source(source).unwrap();
    }
    base.listener(listener).unwrap().free();
    while live.iterate_once(&mut base, &mut app).unwrap() != Some(End::Empty) {}
    assert_eq!(app.accepted, 0);
    assert!(client.read(&mut [0]).map_or(true, |read| read == 0));
}

/// Every address of 127.0.0.0/8 belongs to this host.
#[test]
#[cfg(feature = "local-address")]
fn a_server_on_all_addresses_knows_to_which_one_its_client_has_connected() {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    fn greet_with_address(wanted: &mut usize, conn: &mut ConnMut<usize>, event: ConnEvent) {
        if event == ConnEvent::Opened {
            write!(conn, "this is {}", conn.local_addr().unwrap()).unwrap();
            conn.close();
            *wanted -= 1;
            if *wanted == 0 {
                conn.cx().exit();
            }
        }
    }

    let mut clients = None;
    let mut app = 4;
    let end = run::<4, _>(&mut app, |live, base, _| {
        let pool = pool(base);
        let every = [IpAddr::from(Ipv4Addr::UNSPECIFIED), Ipv6Addr::UNSPECIFIED.into()];
        let ports = every.map(|every| {
            let listener =
                base.listen_with((every, 0).into(), pool, PLAIN, greet_with_address).unwrap();
            live.settle(base).unwrap();
            live.local_addr(listener).unwrap().port()
        });
        clients = Some(thread::spawn(move || {
            for target in ["127.0.0.1", "127.0.0.2", "127.255.0.7", "::1"] {
                let target = target.parse::<IpAddr>().unwrap();
                let address = SocketAddr::new(target, ports[usize::from(target.is_ipv6())]);
                let greeting = read_all(&mut client(address));
                assert_eq!(String::from_utf8_lossy(&greeting), format!("this is {address}"));
            }
        }));
    });
    clients.unwrap().join().unwrap();
    assert_eq!(end, End::Exit);
}
