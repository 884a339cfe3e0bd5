//! Connections: bytes in and out, the callbacks' conditions, and every way to an end.

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
    /// Another connection, for a callback that does something to it.
    other: Option<Conn>,
    deed: Option<fn(&mut Cx<App>, Conn)>,
    /// The direction that the last failure was found in, as a callback is told.
    found: Option<Option<Direction>>,
    /// The listener that accepted the last connection.
    listener: Option<Listener>,
    /// What a connection does to its listener when it opens, once.
    at_listener: Option<fn(&mut Cx<App>, Listener)>,
}

impl App {
    /// The callback of nearly every connection: none begins to read by itself.
    fn heard(&mut self, conn: &mut ConnMut<Self>, event: ConnEvent) {
        if event == ConnEvent::Opened {
            conn.disable(Direction::Read);
            (self.conn, self.listener) = (Some(conn.id()), conn.listener());
            if let (Some(deed), Some(listener)) = (self.at_listener.take(), self.listener) {
                deed(conn.cx(), listener);
            }
        }
        self.note(conn, event);
    }

    fn note(&mut self, conn: &mut ConnMut<Self>, event: ConnEvent) {
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

/// A base with a storage of its own, which is never freed.
fn base() -> Base<'static> {
    EventBase::new(Box::leak(Box::new(Storage::<_, 2, 2, 24>::new())))
}

/// A base, its application and an open connection.
fn with_conn() -> (Base<'static>, App, Conn) {
    let (mut base, mut app) = (base(), App::default());
    let conn = open(&mut base, &mut app);
    (base, app, conn)
}

/// What the application hears last of a connection that it has closed, or aborted.
const CLOSED: ConnEvent = ConnEvent::Ended(ConnEnd::Closed);
const ABORTED: ConnEvent = ConnEvent::Ended(ConnEnd::Aborted);

static SETTINGS: Settings = Settings::new();

/// The pool of all connections that the storage has, added when it is first asked for. The first pools of
/// all bases have the same name.
fn pool(base: &mut Base) -> PoolId {
    static POOL: OnceLock<PoolId> = OnceLock::new();
    let added = base.add_pool(Pool::rest().rings(4, 8));
    *POOL.get_or_init(|| added.unwrap())
}

fn try_connect(base: &mut Base) -> Result<Conn, SetupError> {
    let pool = pool(base);
    base.connect_with(peer(), pool, &SETTINGS, App::heard)
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
    let listener = base.listen_with(address, pool, &SETTINGS, App::heard).unwrap();
    actions(base);
    listener
}

/// A connection that has been accepted, and that the application knows.
fn open(base: &mut Base, app: &mut App) -> Conn {
    let listener = listener(base);
    let conn = base.accepted(listener, peer()).unwrap();
    base.dispatch(app);
    assert_eq!(app.calls(), [ConnEvent::Opened]);
    assert_eq!(app.conn, Some(conn));
    conn
}
