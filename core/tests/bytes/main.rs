//! Methods for bytes: of a `RingBuffer`, and of a connection's rings.

mod bad_input;
#[cfg(feature = "embedded-io")]
mod embedded;
mod exchange;
mod input;
mod output;
mod same;
mod statics;
mod statics_end;

use std::net::SocketAddr;

use picoevent::memory::StaticSlot;
use picoevent::{Action, Conn, ConnEvent, ConnMut, EventBase, Pool, PoolId, Settings, Storage};

/// The events that the application got, and a function that each callback calls.
#[derive(Default)]
struct App {
    events: Vec<ConnEvent>,
    react: Option<fn(&mut ConnMut<App>, ConnEvent)>,
}

impl App {
    fn record(&mut self, conn: &mut ConnMut<Self>, event: ConnEvent) {
        self.events.push(event);
        if let Some(react) = self.react {
            react(conn, event);
        }
    }
}

type Base<'s> = EventBase<'s, App>;

static SETTINGS: Settings = Settings::new();

fn storage() -> Box<Storage<App, 1, 4, 4096, 1, 4>> {
    Box::new(Storage::new())
}

/// Returns a base with slots for static bytes.
fn base_with<const N: usize>(
    storage: &mut Storage<App, 1, 4, 4096, 1, 4>,
    slots: [StaticSlot; N],
) -> Base<'_> {
    let mut base = EventBase::new(storage);
    base.set_static_slots(Box::leak(Box::new(slots))).unwrap();
    base
}

fn peer() -> SocketAddr {
    "192.0.2.7:4242".parse().unwrap()
}

/// Returns an accepted connection in a separate pool. The application has already got the connection's `Opened` event.
fn open(base: &mut Base, app: &mut App, input: usize, output: usize) -> Conn {
    let pool = base.add_pool(Pool::new(1).rings(input, output)).unwrap();
    accept(base, app, pool)
}

fn accept(base: &mut Base, app: &mut App, pool: PoolId) -> Conn {
    let listener = base.listen_with(peer(), pool, &SETTINGS, App::record).unwrap();
    let conn = base.accepted(listener, peer()).unwrap();
    base.dispatch(app);
    assert_eq!(std::mem::take(&mut app.events), [ConnEvent::Opened]);
    base.listener(listener).unwrap().free();
    actions(base);
    conn
}

/// Returns an established outgoing connection.
fn connect(base: &mut Base, app: &mut App, input: usize, output: usize) -> Conn {
    let pool = base.add_pool(Pool::new(1).rings(input, output)).unwrap();
    let conn = base.connect_with(peer(), pool, &SETTINGS, App::record).unwrap();
    actions(base);
    base.connected(conn);
    assert_eq!(passes(base, app), [ConnEvent::Opened]);
    conn
}

fn actions(base: &mut Base) -> Vec<Action> {
    std::iter::from_fn(|| base.next_action()).collect()
}

/// Runs four passes, which is enough for all due callbacks. Returns the events of the callbacks.
fn passes(base: &mut Base, app: &mut App) -> Vec<ConnEvent> {
    for _ in 0..4 {
        base.dispatch(app);
    }
    std::mem::take(&mut app.events)
}

/// Writes as much of `data` to the input ring as fits, as a back end does. Returns the number of bytes written.
fn feed(base: &mut Base, conn: Conn, data: &[u8]) -> usize {
    let Some((first, second)) = base.input(conn) else { return 0 };
    let room = first.iter_mut().chain(second);
    let amount = room.zip(data).map(|(room, byte)| *room = *byte).count();
    base.received(conn, amount);
    amount
}

/// Sends up to `most` bytes of the next part of the output. Returns the sent bytes.
fn drain(base: &mut Base, conn: Conn, most: usize) -> Vec<u8> {
    let (first, second) = base.output(conn);
    let bytes: Vec<u8> = first.iter().chain(second).copied().take(most).collect();
    base.sent(conn, bytes.len());
    bytes
}

/// Sends all output, part by part. Returns the sent bytes.
fn drain_all(base: &mut Base, conn: Conn) -> Vec<u8> {
    let part = || {
        let part = drain(base, conn, usize::MAX);
        (!part.is_empty()).then_some(part)
    };
    std::iter::from_fn(part).flatten().collect()
}
