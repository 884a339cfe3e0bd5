//! The direction in which a failure was found.

use picoevent::{ConnEnd, ConnError, ConnEvent, Direction, Failure};

use super::{App, base, connect, with_conn};

/// Reports a failure of a connection. Returns the event and the direction that the callback got.
fn told(failure: Failure) -> (ConnEvent, Option<Direction>) {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().finish();
    app.react = Some(|app, conn, _| app.found = Some(conn.failed_direction()));
    base.failed(conn, failure);
    base.dispatch(&mut app);
    (app.calls()[0], app.found.unwrap())
}

#[test]
fn a_failure_is_told_with_the_direction_that_found_it() {
    for error in [ConnError::Reset, ConnError::TimedOut, ConnError::System(71)] {
        let ended = ConnEvent::Ended(ConnEnd::Failed(error));
        for direction in [Direction::Read, Direction::Write] {
            assert_eq!(told(error.found(direction)), (ended, Some(direction)));
        }
        assert_eq!(told(error.into()), (ended, None));
    }
}

#[test]
fn a_connect_that_failed_has_no_direction_nor_has_an_end_that_is_no_failure() {
    let (mut base, mut app) = (base(), App::default());
    app.react = Some(|app, conn, _| app.found = Some(conn.failed_direction()));
    let conn = connect(&mut base);
    base.failed(conn, ConnError::Refused);
    base.dispatch(&mut app);
    assert_eq!(app.found, Some(None));
    let (mut base, mut app, conn) = with_conn();
    app.react = Some(|app, conn, _| app.found = Some(conn.failed_direction()));
    base.conn(conn).unwrap().abort();
    base.dispatch(&mut app);
    assert_eq!(app.found, Some(None));
}

#[test]
fn an_open_connection_has_not_failed_though_it_waits_for_room() {
    let (mut base, _, conn) = with_conn();
    base.conn(conn).unwrap().wait_for_room(1 << 13);
    assert_eq!(base.conn(conn).unwrap().failed_direction(), None);
}
