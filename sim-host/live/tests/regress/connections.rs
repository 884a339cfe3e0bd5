//! Connections and listeners over the loopback device.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use picoevent::{
    Conn, ConnEnd, ConnError, ConnEvent, ConnMut, Direction, End, EventBase, Filter, ListenError,
    Listener, ListenerMut, Pool, PoolId, Protocol, Run, Settings,
};
use picoevent_mio::{Capacities, HeapStorage, Live};

/// The time limit of a scenario. It only detects loops that hang, and does not measure the speed.
const LIMIT: Duration = Duration::from_secs(60);

const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

static SETTINGS: Settings = Settings::new();

const CLOSED: ConnEvent = ConnEvent::Ended(ConnEnd::Closed);

/// An application that records the events of its connections. Each connection reads its input, sends its data, and
/// closes at the end of the peer's stream.
#[derive(Default)]
struct App {
    events: Vec<(Conn, ConnEvent)>,
    received: HashMap<Conn, Vec<u8>>,
    to_send: HashMap<Conn, Vec<u8>>,
    accepted: Vec<(Listener, Conn)>,
    failed: Vec<ListenError>,
    /// The function that an accepted connection calls when it opens.
    greets: Option<fn(&mut App, &mut ConnMut<App>)>,
}

impl App {
    fn record(&mut self, conn: &mut ConnMut<Self>, event: ConnEvent) {
        let id = conn.id();
        self.events.push((id, event));
        let mut buffer = [0; 999];
        loop {
            match conn.read(&mut buffer) {
                0 => break,
                amount => self.received.entry(id).or_default().extend(&buffer[..amount]),
            }
        }
        if let (ConnEvent::Opened, Some(listener)) = (event, conn.listener()) {
            self.accepted.push((listener, id));
            if let Some(greet) = self.greets {
                greet(self, conn);
            }
        }
        self.send(conn);
        if event == ConnEvent::Eof {
            conn.close();
        }
    }

    /// Sends as many bytes as the output ring has room for, and ends the stream after the last byte.
    fn send(&mut self, conn: &mut ConnMut<Self>) {
        let Some(bytes) = self.to_send.get_mut(&conn.id()) else { return };
        bytes.drain(..conn.write_some(bytes));
        if bytes.is_empty() {
            conn.finish();
        }
    }

    fn record_failure(&mut self, listener: &mut ListenerMut<Self>, error: ListenError) {
        self.failed.push(error);
        listener.cx().exit();
    }

    fn events_of(&self, conn: Conn) -> Vec<ConnEvent> {
        self.events.iter().filter(|entry| entry.0 == conn).map(|entry| entry.1).collect()
    }
}

struct Recorder;

impl Protocol<App> for Recorder {
    fn opened(app: &mut App, conn: &mut ConnMut<App>) {
        app.record(conn, ConnEvent::Opened);
    }

    fn readable(app: &mut App, conn: &mut ConnMut<App>) {
        app.record(conn, ConnEvent::Readable);
    }

    fn writable(app: &mut App, conn: &mut ConnMut<App>) {
        app.record(conn, ConnEvent::Writable);
    }

    fn eof(app: &mut App, conn: &mut ConnMut<App>) {
        app.record(conn, ConnEvent::Eof);
    }

    fn ended(app: &mut App, conn: &mut ConnMut<App>, end: ConnEnd) {
        app.record(conn, ConnEvent::Ended(end));
    }
}

/// A filter that flips bits.
struct Flip;

impl Flip {
    fn flip(from: &[u8], to: &mut [u8]) -> Result<(usize, usize), ConnError> {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = !from);
        let amount = from.len().min(to.len());
        Ok((amount, amount))
    }
}

impl Filter<App> for Flip {
    fn input(
        _: &mut App,
        _: Conn,
        from: &[u8],
        to: &mut [u8],
    ) -> Result<(usize, usize), ConnError> {
        Self::flip(from, to)
    }

    fn output(
        _: &mut App,
        _: Conn,
        from: &[u8],
        to: &mut [u8],
    ) -> Result<(usize, usize), ConnError> {
        Self::flip(from, to)
    }
}

struct Scene<'b, 's> {
    live: Live,
    base: &'b mut EventBase<'s, App>,
    app: App,
    /// The pool for sockets, and the pool for connections in memory.
    pools: [PoolId; 2],
}

fn play(scenario: impl FnOnce(Scene<'_, '_>)) {
    let pools = [Pool::new(8).rings(1_024, 1_024), Pool::new(4).rings(100, 100).in_memory()];
    let capacities = Capacities { events: 1, listeners: 2, ..Capacities::of(&pools) };
    let mut storage = HeapStorage::new(capacities).unwrap();
    let mut base = EventBase::over(storage.memory());
    let pools = base.add_pools(pools).unwrap();
    base.after(LIMIT, |_, _| panic!("the loop has not ended within {LIMIT:?}")).unwrap();
    let live = Live::new().unwrap();
    scenario(Scene { live, base: &mut base, app: App::default(), pools });
}

impl Scene<'_, '_> {
    fn listen(&mut self) -> (Listener, SocketAddr) {
        self.listen_on(ANY_PORT)
    }

    fn listen_on(&mut self, address: SocketAddr) -> (Listener, SocketAddr) {
        let listener =
            self.base.listen_with(address, self.pools[0], &SETTINGS, App::record).unwrap();
        self.live.settle(self.base).unwrap();
        (listener, self.live.local_addr(listener).unwrap())
    }

    fn connect(&mut self, address: SocketAddr) -> Conn {
        self.base.connect_with(address, self.pools[0], &SETTINGS, App::record).unwrap()
    }

    /// Runs the loop until `holds` returns true.
    fn run_until(&mut self, holds: impl Fn(&App) -> bool) {
        while !holds(&self.app) {
            assert_eq!(self.live.run_with(self.base, &mut self.app, Run::ONCE).unwrap(), End::Done);
        }
    }
}

fn many_bytes() -> Vec<u8> {
    (0..8_333).map(|at| (at % 251) as u8).collect()
}

#[test]
fn bufferevent() {
    play(|mut scene| {
        let (_, address) = scene.listen();
        let one = scene.connect(address);
        scene.app.to_send.insert(one, many_bytes());
        scene.run_until(|app| app.events_of(one).contains(&CLOSED));
        let (_, other) = scene.app.accepted[0];
        assert!(scene.app.received[&other] == many_bytes());
        let first = [ConnEvent::Opened, ConnEvent::Readable];
        assert_eq!(scene.app.events_of(other)[..2], first);
        assert_eq!(
            scene.app.events_of(other).iter().filter(|of| **of == ConnEvent::Eof).count(),
            1
        );
    });
}

/// Both connections have a filter.
#[test]
fn bufferevent_filters() {
    play(|mut scene| {
        let (_, address) = scene.listen();
        let below = scene.connect(address);
        scene.run_until(|app| app.accepted.len() == 1 && !app.events_of(below).is_empty());
        let (_, other) = scene.app.accepted[0];
        let memory = scene.pools[1];
        let [one, other] = [below, other]
            .map(|below| scene.base.conn(below).unwrap().filter::<Flip, Recorder>(memory).unwrap());
        scene.app.to_send.insert(one, many_bytes());
        scene.run_until(|app| app.events_of(one).contains(&CLOSED));
        assert!(scene.app.received[&other] == many_bytes());
    });
}

const TEXT: &[u8] = b"Now is the time for all good events to signal for the good of their protocol";

#[test]
fn bufferevent_connect() {
    play(|mut scene| {
        let (listener, address) = scene.listen();
        scene.app.greets = Some(|_, conn| {
            conn.write(TEXT).unwrap();
            conn.close();
        });
        let clients = [scene.connect(address), scene.connect(address)];
        scene.run_until(|app| clients.iter().all(|of| app.events_of(*of).contains(&CLOSED)));
        for client in clients {
            let all = [ConnEvent::Opened, ConnEvent::Readable, ConnEvent::Eof, CLOSED];
            assert_eq!(
                (scene.app.events_of(client), &*scene.app.received[&client]),
                (all.into(), TEXT)
            );
        }
        assert!(scene.app.accepted.iter().all(|accepted| accepted.0 == listener));
    });
}

/// Addresses that no other test uses, so that a released port stays free.
const OWN_ADDRESSES: [SocketAddr; 2] = [own_address(3), own_address(4)];

const fn own_address(last: u8) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)), 0)
}

#[test]
fn bufferevent_connect_fail() {
    play(|mut scene| {
        let address = TcpListener::bind(OWN_ADDRESSES[0]).unwrap().local_addr().unwrap();
        let conn = scene.connect(address);
        scene.base.conn(conn).unwrap().write(b"never sent").unwrap();
        scene.run_until(|app| !app.events.is_empty());
        let refused = ConnEvent::Ended(ConnEnd::Failed(ConnError::Refused));
        assert_eq!(scene.app.events_of(conn), [refused]);
    });
}

/// Two listeners on ports that the system chooses. The first listener is disabled after two clients, the second
/// listener after one client.
#[test]
fn randport() {
    play(|mut scene| {
        let [(one, first), (two, second)] = [(); 2].map(|()| scene.listen());
        scene.base.listener(one).unwrap().set_user(2);
        scene.base.listener(two).unwrap().set_user(1);
        scene.app.greets = Some(|app, conn| {
            let id = conn.listener().unwrap();
            let accepted = app.accepted.iter().filter(|(by, _)| *by == id).count();
            let mut listener = conn.cx().listener(id).unwrap();
            if accepted == listener.user() as usize {
                listener.disable();
            }
        });
        for address in [first, first, second] {
            scene.connect(address);
        }
        scene.run_until(|app| app.accepted.len() == 3);
        let by = |listener| scene.app.accepted.iter().filter(|(by, _)| *by == listener).count();
        assert_eq!((by(one), by(two)), (2, 1));
        for listener in [one, two] {
            assert!(!scene.base.listener(listener).unwrap().is_enabled());
        }
    });
}

/// A port that is in use is reported, and the listener is disabled.
#[test]
fn error() {
    play(|mut scene| {
        let other = TcpListener::bind(ANY_PORT).unwrap();
        let (address, pool) = (other.local_addr().unwrap(), scene.pools[0]);
        let listener = scene.base.listen_with(address, pool, &SETTINGS, App::record).unwrap();
        scene.base.listener(listener).unwrap().on_error(App::record_failure);
        assert_eq!(scene.live.run(scene.base, &mut scene.app).unwrap(), End::Exit);
        assert_eq!(scene.app.failed, [ListenError::InUse]);
        assert!(!scene.base.listener(listener).unwrap().is_enabled());
    });
}

/// The callback of an accepted connection frees the listener that accepted the connection.
#[test]
fn close_accepted_fd() {
    play(|mut scene| {
        let (listener, address) = scene.listen_on(OWN_ADDRESSES[1]);
        scene.app.greets = Some(|_, conn| {
            let listener = conn.listener().unwrap();
            conn.cx().listener(listener).unwrap().free();
            conn.abort();
        });
        let client = scene.connect(address);
        let is_over = |event: &ConnEvent| matches!(event, ConnEvent::Ended(_));
        scene.run_until(|app| app.events_of(client).iter().any(is_over));
        assert_eq!(scene.app.accepted.len(), 1);
        assert!(scene.base.listener(listener).is_err());
        // The listener no longer exists, so the next connect is refused.
        let late = scene.connect(address);
        scene.run_until(|app| !app.events_of(late).is_empty());
        let refused = ConnEvent::Ended(ConnEnd::Failed(ConnError::Refused));
        assert_eq!(scene.app.events_of(late), [refused]);
    });
}

/// The callback of the first of two clients disables the listener. The second client waits until the
/// listener is enabled again.
#[test]
fn immediate_close() {
    play(|mut scene| {
        let (listener, address) = scene.listen();
        scene.app.greets = Some(|_, conn| {
            let listener = conn.listener().unwrap();
            conn.cx().listener(listener).unwrap().disable();
            conn.disable(Direction::Read);
        });
        let clients = [scene.connect(address), scene.connect(address)];
        // The system completes both handshakes, whether or not the clients are accepted.
        scene.run_until(|app| {
            clients.iter().all(|client| app.events_of(*client) == [ConnEvent::Opened])
                && !app.accepted.is_empty()
        });
        assert_eq!(scene.app.accepted.len(), 1);
        scene.base.listener(listener).unwrap().enable();
        scene.run_until(|app| app.accepted.len() == 2);
    });
}
