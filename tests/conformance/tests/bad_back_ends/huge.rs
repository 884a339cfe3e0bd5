//! Storages with the maximum number of slots, filled and emptied.

use std::time::Duration;

use picoevent::{
    AcceptError, ConnError, ConnEvent, ConnMut, End, EventBase, FullError, Pool, Settings,
    SetupError,
};
use picoevent_conformance::{App, Base};
use picoevent_mio::{Capacities, HeapStorage};

use crate::unruly::{ADDRESS, Unruly};

/// The maximum number of slots of a base.
const MOST: usize = 65_535;

/// Makes a base and its application. All connections are in one pool and have rings of one byte.
fn base(capacities: Capacities) -> (Base, App) {
    let storage = Box::leak(Box::new(HeapStorage::new(capacities).unwrap()));
    let mut base = EventBase::over(storage.memory());
    let pool = base.add_pool(Pool::rest().rings(1, 1)).unwrap();
    (base, App::new(vec![pool]))
}

static SETTINGS: Settings = Settings::new();

/// Echoes a byte, and closes the connection when it is sent.
fn echo(app: &mut App, conn: &mut ConnMut<'_, '_, App>, event: ConnEvent) {
    match event {
        ConnEvent::Opened => app.conns.push(conn.id()),
        ConnEvent::Readable => {
            app.flooded += 1;
            assert_eq!(conn.transfer(conn.id()), Ok(1));
        }
        ConnEvent::Writable => conn.close(),
        _ => {}
    }
}

/// Makes a base with room for so many events and connections. All other slots are for listeners.
fn unruly(events: usize, conns: usize) -> Unruly {
    let listeners = MOST - events - conns;
    let bytes = 2 * conns;
    Unruly::with(base(Capacities { events, conns, bytes, listeners, ..Capacities::default() }))
}

#[test]
fn sixty_five_thousand_timers_fire_and_are_made_again() {
    let mut unruly = unruly(MOST, 0);
    let mut former = Vec::new();
    for round in 0..2 {
        let made: Vec<_> = (0..MOST)
            .map(|at| {
                // The timers are not made in the order of their deadlines.
                let delay = Duration::from_millis((at * 7919 % MOST) as u64 / 64);
                unruly.base.after(delay, |app, _| app.flooded += 1).unwrap()
            })
            .collect();
        let full = unruly.base.after(Duration::ZERO, |_, _| {});
        assert_eq!(full, Err(FullError::Events));
        for event in &former {
            assert!(unruly.base.event(*event).is_err(), "{event:?} is stale");
        }
        assert_eq!(unruly.run(), Some(End::Empty));
        assert_eq!(unruly.app.flooded, MOST * (round + 1));
        assert_eq!(unruly.base.counts().events, 0);
        former = made;
    }
    assert!(former.iter().all(|event| unruly.base.event(*event).is_err()));
    unruly.end();
}

#[test]
fn sixty_five_thousand_connections_are_served_and_closed() {
    let conns = MOST - 1;
    let mut unruly = unruly(0, conns);
    unruly.app.conns.reserve(conns);
    let pool = unruly.app.pools[0];
    let listener = unruly.base.listen_with(ADDRESS.into(), pool, &SETTINGS, echo).unwrap();
    let mut former = Vec::new();
    for round in 0..2 {
        unruly.feed(move |base| {
            for _ in 0..conns {
                base.accepted(listener, ADDRESS.into()).unwrap();
            }
            assert_eq!(base.accepted(listener, ADDRESS.into()), Err(AcceptError::Full));
        });
        assert_eq!(unruly.run(), None);
        let held = core::mem::take(&mut unruly.app.conns);
        assert_eq!(held.len(), conns);
        for conn in &former {
            assert!(unruly.base.conn(*conn).is_err(), "{conn:?} is stale");
        }
        assert_eq!(unruly.app.connect(&mut unruly.base, ADDRESS.into()), Err(SetupError::PoolFull));
        let fed = held.clone();
        unruly.feed(move |base| {
            for conn in fed {
                base.input(conn).unwrap().0[0] = b'x';
                base.received(conn, 1);
            }
        });
        for part in 0..3 {
            let fed = held.clone();
            unruly.feed(move |base| {
                for (at, conn) in fed.into_iter().enumerate() {
                    match part {
                        0 => {
                            assert_eq!(base.output(conn).0, b"x");
                            base.sent(conn, 1);
                        }
                        1 if at % 3 == 0 => base.failed(conn, ConnError::Reset),
                        1 => base.delivered(conn),
                        _ => base.finished(conn),
                    }
                }
            });
        }
        assert_eq!(unruly.run(), None);
        assert_eq!(unruly.app.flooded, conns * (round + 1));
        assert_eq!(unruly.base.counts().conns, 0);
        former = held;
    }
    unruly.end();
}

#[test]
fn sixty_five_thousand_listeners_are_freed() {
    let mut unruly = unruly(0, 0);
    for _ in 0..2 {
        let listeners: Vec<_> = (0..MOST).map(|_| unruly.listen()).collect();
        let pool = unruly.app.pools[0];
        let full = unruly.base.listen_with(ADDRESS.into(), pool, &SETTINGS, echo);
        assert_eq!(full, Err(SetupError::Full(FullError::Listeners)));
        for listener in &listeners {
            unruly.base.listener(*listener).unwrap().free();
        }
        assert_eq!(unruly.run(), Some(End::Empty));
        assert_eq!(unruly.base.counts().listeners, 0);
        assert!(listeners.iter().all(|listener| unruly.base.listener(*listener).is_err()));
    }
    unruly.end();
}
