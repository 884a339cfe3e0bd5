//! What a protocol can rely on: each connection ends exactly once, pools are reserved, and alarms, lines and reconnects
//! work.

mod alarm;
mod busy;
mod bytes;
mod defaults;
mod ended;
mod iterations;
mod lines;
mod maps;
mod outgoing;
mod pools;
mod reconnecting;
#[path = "../steps/mod.rs"]
mod steps;
mod views;

use std::net::SocketAddr;
use std::time::Duration;

use picoevent::{
    Conn, ConnEnd, ConnError, ConnEvent, ConnMut, EventBase, Instant, Listener, Pool, PoolId,
    Settings, Storage,
};

use steps::{actions, drain, feed};

/// The events that the application got, and a function that each callback calls.
#[derive(Default)]
struct App {
    calls: Vec<(Conn, ConnEvent)>,
    react: Option<fn(&mut App, &mut ConnMut<App>, ConnEvent)>,
    /// Other connections, on which a callback acts.
    others: Vec<Conn>,
    count: usize,
}

impl App {
    fn record(&mut self, conn: &mut ConnMut<Self>, event: ConnEvent) {
        self.calls.push((conn.id(), event));
        if let Some(react) = self.react {
            react(self, conn, event);
        }
    }

    /// Takes the events of all connections since the last call.
    fn take_events(&mut self) -> Vec<ConnEvent> {
        std::mem::take(&mut self.calls).into_iter().map(|(_, event)| event).collect()
    }
}

const CLOSED: ConnEvent = ConnEvent::Ended(ConnEnd::Closed);
const ABORTED: ConnEvent = ConnEvent::Ended(ConnEnd::Aborted);

const fn failed(error: ConnError) -> ConnEvent {
    ConnEvent::Ended(ConnEnd::Failed(error))
}

static SETTINGS: Settings = Settings::new();

type Base<'s> = EventBase<'s, App>;

/// Returns a base with new storage, which is never freed.
fn base() -> Base<'static> {
    EventBase::new(Box::leak(Box::new(Storage::<_, 4, 8, 256, 3, 16>::new())))
}

/// Returns a base, its application and an open connection.
fn with_conn() -> (Base<'static>, App, Conn) {
    let (mut base, mut app) = (base(), App::default());
    let conn = open(&mut base, &mut app);
    (base, app, conn)
}

fn at(millis: u64) -> Instant {
    Instant::from_micros(millis * 1000)
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn peer() -> SocketAddr {
    "192.0.2.7:4242".parse().unwrap()
}

/// Adds a pool of `conns` connections, with rings of eight bytes.
fn pool(base: &mut Base, conns: u16) -> PoolId {
    base.add_pool(Pool::new(conns).rings(8, 8)).unwrap()
}

fn listen(base: &mut Base, pool: PoolId, settings: &'static Settings) -> Listener {
    let listener = base.listen_with(peer(), pool, settings, App::record).unwrap();
    actions(base);
    listener
}

fn connect(base: &mut Base, pool: PoolId) -> Conn {
    base.connect_with(peer(), pool, &SETTINGS, App::record).unwrap()
}

/// Returns an accepted connection in a separate pool. The application has already got the connection's `Opened` event.
fn open(base: &mut Base, app: &mut App) -> Conn {
    open_with(base, app, &SETTINGS)
}

fn open_with(base: &mut Base, app: &mut App, settings: &'static Settings) -> Conn {
    let pool = pool(base, 1);
    let listener = listen(base, pool, settings);
    let conn = base.accepted(listener, peer()).unwrap();
    base.dispatch(app);
    assert_eq!(app.take_events(), [ConnEvent::Opened]);
    actions(base);
    conn
}

/// Runs four passes, like four iterations of the loop, which is enough for all due callbacks. Returns the events of the
/// callbacks.
fn passes(base: &mut Base, app: &mut App) -> Vec<ConnEvent> {
    for _ in 0..4 {
        base.dispatch(app);
    }
    app.take_events()
}

/// Sets the time, and runs [`passes`].
fn passes_at(base: &mut Base, app: &mut App, millis: u64) -> Vec<ConnEvent> {
    base.advance(at(millis));
    passes(base, app)
}
