//! The defaults of a protocol.

use std::time::Duration;

use picoevent::{
    Action, Conn, ConnEnd, ConnError, ConnMut, Direction, EventBase, Pool, Protocol, Storage,
};

use crate::{at, peer};

/// The reasons why connections ended, and whether reading and writing were enabled when they opened.
#[derive(Default)]
struct App {
    ends: Vec<ConnEnd>,
    enabled: Vec<[bool; 2]>,
}

/// A protocol that uses the default of most functions. It has the required function `readable`, and two functions that
/// record events for the test.
struct Minimal;

impl Protocol<App> for Minimal {
    const IDLE: Option<Duration> = Some(Duration::from_millis(30));
    const STALL: Option<Duration> = Some(Duration::from_millis(10));

    fn opened(app: &mut App, conn: &mut ConnMut<App>) {
        app.enabled.push([Direction::Read, Direction::Write].map(|way| conn.is_enabled(way)));
    }

    fn readable(_: &mut App, conn: &mut ConnMut<App>) {
        conn.consume(usize::MAX);
    }

    fn ended(app: &mut App, _: &mut ConnMut<App>, end: ConnEnd) {
        app.ends.push(end);
    }
}

type Base<'s> = EventBase<'s, App>;

/// Runs `check` with an open connection in a new application.
fn with_conn(check: impl FnOnce(&mut Base, &mut App, Conn)) -> Vec<ConnEnd> {
    let (mut storage, mut app) = (Storage::<App, 0, 1, 16>::new(), App::default());
    let mut base = EventBase::new(&mut storage);
    let clients = base.add_pool(Pool::new(1).rings(8, 8)).unwrap();
    let listener = base.listen::<Minimal>(peer(), clients).unwrap();
    let conn = base.accepted(listener, peer()).unwrap();
    base.dispatch(&mut app);
    check(&mut base, &mut app, conn);
    for _ in 0..4 {
        base.dispatch(&mut app);
    }
    app.ends
}

#[test]
fn both_directions_are_enabled_when_a_connection_opens() {
    with_conn(|base, app, conn| {
        assert_eq!(app.enabled, [[true, true]]);
        assert!(base.input(conn).is_some(), "the back end may read");
    });
}

#[test]
fn functions_that_a_protocol_does_not_have_get_a_default() {
    let sent = with_conn(|base, app, conn| {
        base.conn(conn).unwrap().write(b"x").unwrap();
        base.sent(conn, 1);
        base.conn(conn).unwrap().alarm_after(Duration::from_millis(1));
        base.advance(at(1));
        base.dispatch(app);
    });
    assert_eq!(sent, [], "output that is gone and an alarm change nothing");
    let eof = with_conn(|base, _, conn| base.peer_finished(conn));
    assert_eq!(eof, [ConnEnd::Closed]);
    let idle = with_conn(|base, _, _| base.advance(at(30)));
    assert_eq!(idle, [ConnEnd::Failed(ConnError::TimedOut)]);
    let stalled = with_conn(|base, _, conn| {
        base.conn(conn).unwrap().write(b"x").unwrap();
        assert!(std::iter::from_fn(|| base.next_action()).any(|one| one == Action::Send(conn)));
        base.advance(at(10));
    });
    assert_eq!(stalled, [ConnEnd::Failed(ConnError::TimedOut)]);
}
