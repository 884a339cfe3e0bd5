//! Connections: input and output, when the callbacks run, and all ways to end.

use std::sync::OnceLock;
use std::time::Duration;

use picoevent::{
    Conn, ConnEnd, ConnEvent, ConnMut, Cx, Direction, EventBase, Instant, Listener, Pool, PoolId,
    Settings, SetupError, Storage,
};

mod bytes;
mod closing;
mod due;
mod ending;
mod failing;
mod listening;
mod marks;
#[path = "../steps/mod.rs"]
mod steps;
mod timeouts;

use steps::{actions, drain, feed};

#[derive(Default)]
struct App {
    calls: Vec<ConnEvent>,
    conn: Option<Conn>,
    react: Option<fn(&mut App, &mut ConnMut<App>, ConnEvent)>,
    /// Another connection, on which a callback runs `change`.
    other: Option<Conn>,
    change: Option<fn(&mut Cx<App>, Conn)>,
    /// The result of `failed_direction` in the last callback. It is `None` if the test does not store it.
    found: Option<Option<Direction>>,
    /// The listener that accepted the last connection.
    listener: Option<Listener>,
    /// A function that is called once, when a connection opens, with the listener that accepted this connection.
    at_listener: Option<fn(&mut Cx<App>, Listener)>,
}

impl App {
    /// The callback of nearly every connection. It disables reading when a connection opens.
    fn on_event(&mut self, conn: &mut ConnMut<Self>, event: ConnEvent) {
        if event == ConnEvent::Opened {
            conn.disable(Direction::Read);
            (self.conn, self.listener) = (Some(conn.id()), conn.listener());
            if let (Some(change), Some(listener)) = (self.at_listener.take(), self.listener) {
                change(conn.cx(), listener);
            }
        }
        self.record(conn, event);
    }

    fn record(&mut self, conn: &mut ConnMut<Self>, event: ConnEvent) {
        self.calls.push(event);
        if let Some(react) = self.react {
            react(self, conn, event);
        }
    }

    fn calls(&mut self) -> Vec<ConnEvent> {
        std::mem::take(&mut self.calls)
    }
}

type Base<'s> = EventBase<'s, App>;

/// Returns a base with new storage, which is never freed.
fn base() -> Base<'static> {
    EventBase::new(Box::leak(Box::new(Storage::<_, 2, 2, 24>::new())))
}

/// Returns a base, its application and an open connection.
fn with_conn() -> (Base<'static>, App, Conn) {
    let (mut base, mut app) = (base(), App::default());
    let conn = open(&mut base, &mut app);
    (base, app, conn)
}

/// The last events of a closed and of an aborted connection.
const CLOSED: ConnEvent = ConnEvent::Ended(ConnEnd::Closed);
const ABORTED: ConnEvent = ConnEvent::Ended(ConnEnd::Aborted);

static SETTINGS: Settings = Settings::new();

/// Returns a pool with all connections of the storage. The first call for a base adds this pool. Later calls return the
/// stored ID, because the first pool has the same ID in all bases.
fn pool(base: &mut Base) -> PoolId {
    static POOL: OnceLock<PoolId> = OnceLock::new();
    let added = base.add_pool(Pool::rest().rings(4, 8));
    *POOL.get_or_init(|| added.unwrap())
}

fn try_connect(base: &mut Base) -> Result<Conn, SetupError> {
    let pool = pool(base);
    base.connect_with(peer(), pool, &SETTINGS, App::on_event)
}

fn connect(base: &mut Base) -> Conn {
    try_connect(base).unwrap()
}

fn at(millis: u64) -> Instant {
    Instant::from_micros(millis * 1000)
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn peer() -> std::net::SocketAddr {
    "192.0.2.7:4242".parse().unwrap()
}

fn listener(base: &mut Base) -> Listener {
    let pool = pool(base);
    let address = "0.0.0.0:9995".parse().unwrap();
    let listener = base.listen_with(address, pool, &SETTINGS, App::on_event).unwrap();
    actions(base);
    listener
}

/// Returns an accepted connection. The application has already got the connection's `Opened` event.
fn open(base: &mut Base, app: &mut App) -> Conn {
    let listener = listener(base);
    let conn = base.accepted(listener, peer()).unwrap();
    base.dispatch(app);
    assert_eq!(app.calls(), [ConnEvent::Opened]);
    assert_eq!(app.conn, Some(conn));
    conn
}
