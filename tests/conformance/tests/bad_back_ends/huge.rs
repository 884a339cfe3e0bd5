//! Tests that fill and empty a storage with the maximum number of slots.

use std::time::Duration;

use picoevent::{
    AcceptError, ConnError, ConnEvent, ConnMut, End, EventBase, FullError, Pool, Settings,
    SetupError,
};
use picoevent_conformance::{App, Base};
use picoevent_mio::{Capacities, HeapStorage};

use crate::faulty::{ADDRESS, FaultyBackEnd};

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

/// Echoes a byte, and closes the connection when the byte is sent.
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

/// Makes a base with `events` event slots and `conns` connection slots. The remaining slots are for listeners.
fn faulty(events: usize, conns: usize) -> FaultyBackEnd {
    let listeners = MOST - events - conns;
    let bytes = 2 * conns;
    FaultyBackEnd::with(base(Capacities {
        events,
        conns,
        bytes,
        listeners,
        ..Capacities::default()
    }))
}

#[test]
fn sixty_five_thousand_timers_fire_and_are_made_again() {
    let mut faulty = faulty(MOST, 0);
    let mut former = Vec::new();
    for round in 0..2 {
        let made: Vec<_> = (0..MOST)
            .map(|at| {
                // The timers are not made in the order of their deadlines.
                let delay = Duration::from_millis((at * 7919 % MOST) as u64 / 64);
                faulty.base.after(delay, |app, _| app.flooded += 1).unwrap()
            })
            .collect();
        let full = faulty.base.after(Duration::ZERO, |_, _| {});
        assert_eq!(full, Err(FullError::Events));
        for event in &former {
            assert!(faulty.base.event(*event).is_err(), "{event:?} is stale");
        }
        assert_eq!(faulty.run(), Some(End::Empty));
        assert_eq!(faulty.app.flooded, MOST * (round + 1));
        assert_eq!(faulty.base.counts().events, 0);
        former = made;
    }
    assert!(former.iter().all(|event| faulty.base.event(*event).is_err()));
    faulty.end();
}

#[test]
fn sixty_five_thousand_connections_are_served_and_closed() {
    let conns = MOST - 1;
    let mut faulty = faulty(0, conns);
    faulty.app.conns.reserve(conns);
    let pool = faulty.app.pools[0];
    let listener = faulty.base.listen_with(ADDRESS.into(), pool, &SETTINGS, echo).unwrap();
    let mut former = Vec::new();
    for round in 0..2 {
        faulty.will_report(move |base| {
            for _ in 0..conns {
                base.accepted(listener, ADDRESS.into()).unwrap();
            }
            assert_eq!(base.accepted(listener, ADDRESS.into()), Err(AcceptError::Full));
        });
        assert_eq!(faulty.run(), None);
        let held = core::mem::take(&mut faulty.app.conns);
        assert_eq!(held.len(), conns);
        for conn in &former {
            assert!(faulty.base.conn(*conn).is_err(), "{conn:?} is stale");
        }
        assert_eq!(faulty.app.connect(&mut faulty.base, ADDRESS.into()), Err(SetupError::PoolFull));
        let fed = held.clone();
        faulty.will_report(move |base| {
            for conn in fed {
                base.input(conn).unwrap().0[0] = b'x';
                base.received(conn, 1);
            }
        });
        for part in 0..3 {
            let fed = held.clone();
            faulty.will_report(move |base| {
                for (at, conn) in fed.into_iter().enumerate() {
                    match part {
                        0 => {
                            assert_eq!(base.output(conn).0, b"x");
                            base.sent(conn, 1);
                        }
                        1 if at % 3 == 0 => base.failed(conn, ConnError::Reset),
                        1 => base.delivered(conn),
                        _ => base.peer_finished(conn),
                    }
                }
            });
        }
        assert_eq!(faulty.run(), None);
        assert_eq!(faulty.app.flooded, conns * (round + 1));
        assert_eq!(faulty.base.counts().conns, 0);
        former = held;
    }
    faulty.end();
}

#[test]
fn sixty_five_thousand_listeners_are_freed() {
    let mut faulty = faulty(0, 0);
    for _ in 0..2 {
        let listeners: Vec<_> = (0..MOST).map(|_| faulty.listen()).collect();
        let pool = faulty.app.pools[0];
        let full = faulty.base.listen_with(ADDRESS.into(), pool, &SETTINGS, echo);
        assert_eq!(full, Err(SetupError::Full(FullError::Listeners)));
        for listener in &listeners {
            faulty.base.listener(*listener).unwrap().free();
        }
        assert_eq!(faulty.run(), Some(End::Empty));
        assert_eq!(faulty.base.counts().listeners, 0);
        assert!(listeners.iter().all(|listener| faulty.base.listener(*listener).is_err()));
    }
    faulty.end();
}
