//! Storages with as many slots as there can be, filled and emptied.

use std::time::Duration;

use picoevent::{AcceptError, ConnError, Direction, End, EventBase, Full};
use picoevent_conformance::{App, Base};
use picoevent_mio::{Capacities, HeapStorage};

use crate::unruly::{ADDRESS, Unruly};

/// The most slots of a base.
const MOST: usize = 65_535;

fn base(capacities: Capacities) -> Base {
    EventBase::over(Box::leak(Box::new(HeapStorage::new(capacities).unwrap())).memory())
}

/// Room for so many events, and connections with rings of one byte for the rest.
fn unruly(events: usize, conns: usize) -> Unruly {
    let listeners = MOST - events - conns;
    let rings = Capacities { input: 1, output: 1, ..Capacities::default() };
    Unruly::with(base(Capacities { events, conns, listeners, ..rings }))
}

#[test]
fn sixty_five_thousand_timers_fire_and_are_made_again() {
    let mut unruly = unruly(MOST, 0);
    let mut former = Vec::new();
    for round in 0..2 {
        let made: Vec<_> = (0..MOST)
            .map(|at| {
                // In an order that is not that of the deadlines.
                let delay = Duration::from_millis((at * 7919 % MOST) as u64 / 64);
                unruly.base.after(delay, |app, _, _, _| app.flooded += 1).unwrap()
            })
            .collect();
        let full = unruly.base.after(Duration::ZERO, |_, _, _, _| {});
        assert_eq!(full, Err(Full::Events));
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
    let listener = unruly.base.listen(ADDRESS.into(), |app, cx, conn| {
        app.conns.push(conn);
        let mut conn = cx.conn(conn).unwrap();
        conn.on_read(|app, cx, conn| {
            app.flooded += 1;
            assert_eq!(cx.transfer(conn, conn), Ok(1));
        });
        conn.on_write(|_, cx, conn| cx.conn(conn).unwrap().close());
        conn.enable(Direction::Read);
    });
    let listener = listener.unwrap();
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
        assert_eq!(unruly.base.connect(ADDRESS.into()), Err(Full::Conns));
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
        let full = unruly.base.listen(ADDRESS.into(), |_: &mut App, _, _| {});
        assert_eq!(full, Err(Full::Listeners));
        for listener in &listeners {
            unruly.base.listener(*listener).unwrap().free();
        }
        assert_eq!(unruly.run(), Some(End::Empty));
        assert_eq!(unruly.base.counts().listeners, 0);
        assert!(listeners.iter().all(|listener| unruly.base.listener(*listener).is_err()));
    }
    unruly.end();
}
