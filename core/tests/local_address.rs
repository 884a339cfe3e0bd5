//! The local address of connections with sockets, reported by the back end, and of connections in memory.
#![cfg(feature = "local-address")]

use std::net::SocketAddr;

use picoevent::{
    Action, Conn, ConnError, ConnEvent, ConnMut, EventBase, Filter, Pool, Protocol, Settings,
    StaleError, Storage,
};

type App = Vec<(Conn, Option<SocketAddr>)>;
type Memory = Storage<App, 0, 5, 80, 1, 2>;

static SETTINGS: Settings = Settings::new();

fn on_event(app: &mut App, conn: &mut ConnMut<App>, event: ConnEvent) {
    if event == ConnEvent::Opened {
        app.push((conn.id(), conn.local_addr()));
    }
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

const V4: &str = "192.0.2.7:80";
const V6: &str = "[fe80::1%3]:65535";

/// A filter that does not change the bytes.
struct Plain;

impl Filter<App> for Plain {
    fn input(
        _: &mut App,
        _: Conn,
        from: &[u8],
        to: &mut [u8],
    ) -> Result<(usize, usize), ConnError> {
        let amount = from.len().min(to.len());
        to[..amount].copy_from_slice(&from[..amount]);
        Ok((amount, amount))
    }

    fn output(
        app: &mut App,
        conn: Conn,
        from: &[u8],
        to: &mut [u8],
    ) -> Result<(usize, usize), ConnError> {
        Self::input(app, conn, from, to)
    }
}

/// The protocol of the connection above the filter.
struct Above;

impl Protocol<App> for Above {
    fn opened(app: &mut App, conn: &mut ConnMut<App>) {
        on_event(app, conn, ConnEvent::Opened);
    }

    fn readable(_: &mut App, _: &mut ConnMut<App>) {}
}

#[test]
fn a_reported_local_address_is_kept_and_a_stale_or_unknown_one_is_ignored() {
    let mut storage = Memory::new();
    let mut base = EventBase::<App>::new(&mut storage);
    let pool = base.add_pool(Pool::new(2).rings(8, 8)).unwrap();
    let listener = base.listen_with(address("[::]:80"), pool, &SETTINGS, on_event).unwrap();
    let mut app = App::new();
    for local in [V4, V6] {
        let conn = base.accepted(listener, address("192.0.2.1:7")).unwrap();
        assert_eq!(base.conn(conn).unwrap().local_addr(), None);
        base.local_is(conn, || Some(address(local)));
        base.local_is(conn, || None);
        base.dispatch(&mut app);
        assert_eq!(app.pop(), Some((conn, Some(address(local)))));
        base.conn(conn).unwrap().abort();
        while base.next_action().is_some() {}
        base.dispatch(&mut app);
        base.local_is(conn, || Some(address(local)));
        assert_eq!(base.conn(conn).err(), Some(StaleError));
    }
    let conn = base.accepted(listener, address("192.0.2.1:7")).unwrap();
    assert_eq!(
        base.conn(conn).unwrap().local_addr(),
        None,
        "that of the slot's last tenant is gone"
    );
    base.local_is(conn, || Some(address("192.0.2.7:0")));
    assert_eq!(base.conn(conn).unwrap().local_addr(), None, "no connection has the port 0");
}

#[test]
fn a_pair_has_no_local_address_and_above_a_filter_it_is_that_of_the_connection_below() {
    let mut storage = Memory::new();
    let mut base = EventBase::<App>::new(&mut storage);
    let sockets = base.add_pool(Pool::new(2).rings(8, 8)).unwrap();
    let inner = base.add_pool(Pool::new(3).rings(8, 8).in_memory()).unwrap();
    let end = (inner, &SETTINGS, on_event as _);
    let [one, _] = base.pair_with([end, end]).unwrap();
    assert_eq!(base.conn(one).unwrap().local_addr(), None);
    base.local_is(one, || Some(address(V4)));
    assert_eq!(base.conn(one).unwrap().local_addr(), None, "a back end knows nothing of it");
    let peer = address("192.0.2.1:7");
    let below = base.connect_with(peer, sockets, &SETTINGS, on_event).unwrap();
    let mut app = App::new();
    let above = base.conn(below).unwrap().filter::<Plain, Above>(inner).unwrap();
    assert_eq!(base.next_action(), Some(Action::Connect(below)));
    assert_eq!(base.conn(above).unwrap().local_addr(), None);
    base.local_is(below, || Some(address(V4)));
    base.connected(below);
    while base.next_action().is_some() {}
    (0..4).for_each(|_| {
        base.dispatch(&mut app);
        while base.next_action().is_some() {}
    });
    assert_eq!(app.last(), Some(&(above, Some(address(V4)))));
}

#[test]
#[cfg(feature = "record")]
fn a_recording_contains_the_local_addresses() {
    use picoevent::record::{Entries, Entry, Keep, Recording, Replay};

    static RECORDING: Recording<1024> = Recording::new(Keep::First);
    let mut storage = Memory::new();
    let mut base = EventBase::<App>::new(&mut storage);
    base.record_to(&RECORDING);
    let pool = base.add_pool(Pool::new(2).rings(8, 8)).unwrap();
    let conns = [V4, V6].map(|local| {
        let conn = base.connect_with(address("192.0.2.1:7"), pool, &SETTINGS, on_event).unwrap();
        base.local_is(conn, || Some(address(local)));
        (conn, address(local))
    });
    let mut bytes = Vec::new();
    RECORDING.dump(|line| {
        if let Some(data) = line.strip_prefix("picoevent-recorded ") {
            let hex = data.split(' ').nth(1).unwrap();
            let digits = (0..hex.len()).step_by(2).map(|at| &hex[at..at + 2]);
            bytes.extend(digits.map(|byte| u8::from_str_radix(byte, 16).unwrap()));
        }
    });
    let mut storage = Memory::new();
    let mut again = EventBase::<App>::new(&mut storage);
    again.add_pool(Pool::new(2).rings(8, 8)).unwrap();
    for _ in conns {
        again.connect_with(address("192.0.2.1:7"), pool, &SETTINGS, on_event).unwrap();
    }
    assert_eq!(Replay::new(&bytes).unwrap().finish(&mut again, &mut App::new()), Ok(None));
    for (conn, local) in conns {
        assert_eq!(again.conn(conn).unwrap().local_addr(), Some(local));
    }
    let recorded: Vec<_> = Entries::of(&bytes)
        .filter_map(|entry| match entry.unwrap().1 {
            Entry::Local(conn, local) => Some((conn, local)),
            _ => None,
        })
        .collect();
    assert_eq!(recorded, conns);
}
