//! The direction in which a failure was found.

use picoevent::{ConnEnd, ConnError, ConnEvent, Direction, Failure};

use super::{App, base, connect, with_conn};

/// Reports a failure of a connection. Returns the event and the direction that the callback got.
fn reported(failure: Failure) -> (ConnEvent, Option<Direction>) {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().finish();
    app.react = Some(|app, conn, _| app.found = Some(conn.failed_direction()));
    base.failed(conn, failure);
    base.dispatch(&mut app);
    (app.calls()[0], app.found.unwrap())
}

#[test]
fn a_failure_is_reported_with_the_direction_that_found_it() {
    for error in [ConnError::Reset, ConnError::TimedOut, ConnError::System(71)] {
        let ended = ConnEvent::Ended(ConnEnd::Failed(error));
        for direction in [Direction::Read, Direction::Write] {
            assert_eq!(reported(error.found(direction)), (ended, Some(direction)));
        }
        assert_eq!(reported(error.into()), (ended, None));
    }
}

#[test]
fn a_failed_connect_and_an_end_without_failure_have_no_failed_direction() {
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
fn an_open_connection_that_waits_for_room_has_no_failed_direction() {
    let (mut base, _, conn) = with_conn();
    base.conn(conn).unwrap().wait_for_room(1 << 13);
    assert_eq!(base.conn(conn).unwrap().failed_direction(), None);
}
