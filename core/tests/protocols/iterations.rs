//! A callback that is requested again runs in the next pass.

use picoevent::{ConnError, ConnEvent, Settings};

use crate::outgoing::opened;
use crate::{
    App, SETTINGS, actions, base, drain, failed, feed, open_with, passes, peer, pool, with_conn,
};

#[test]
fn input_that_is_read_again_is_reported_once_in_each_pass() {
    let (mut base, mut app, conn) = with_conn();
    app.react = Some(|_, conn, event| {
        if event == ConnEvent::Readable {
            conn.consume(1);
            conn.read_again();
        }
    });
    feed(&mut base, conn, b"abc");
    for _ in 0..3 {
        base.dispatch(&mut app);
        assert_eq!(app.take_events(), [ConnEvent::Readable]);
    }
    assert_eq!(passes(&mut base, &mut app), [], "nothing is left to read");
    base.conn(conn).unwrap().read_again();
    assert_eq!(passes(&mut base, &mut app), []);
}

/// Both callbacks are due: `Readable` runs first, and `Writable` runs after it in the same pass. Each of these calls
/// requests `Readable` again.
#[test]
fn a_pass_ends_although_a_callback_reads_again_and_leaves_its_input() {
    let (mut base, mut app, conn) = with_conn();
    app.react = Some(|app, conn, _| {
        app.count += 1;
        assert!(app.count < 10, "a pass does not end");
        conn.read_again();
    });
    base.conn(conn).unwrap().write(b"x").unwrap();
    feed(&mut base, conn, b"abc");
    drain(&mut base, conn, 9);
    base.dispatch(&mut app);
    assert_eq!(app.take_events(), [ConnEvent::Readable, ConnEvent::Writable]);
    base.dispatch(&mut app);
    assert_eq!(app.take_events(), [ConnEvent::Readable]);
}

#[test]
fn input_that_is_to_be_read_again_is_not_reported_after_the_end() {
    let (mut base, mut app, conn) = with_conn();
    app.react = Some(|_, conn, _| _ = conn.read_again());
    feed(&mut base, conn, b"abc");
    base.failed(conn, ConnError::Reset);
    let end = failed(ConnError::Reset);
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Readable, end]);
    assert_eq!((actions(&mut base), base.counts().conns), (vec![], 0));
    assert_eq!(passes(&mut base, &mut app), []);
}

#[test]
fn room_that_is_already_free_is_reported_in_the_next_pass() {
    let (mut base, mut app, conn) = with_conn();
    app.react = Some(|app, conn, _| {
        app.count += 1;
        assert!(app.count < 10, "a pass does not end");
        conn.wait_for_room(1);
    });
    base.conn(conn).unwrap().wait_for_room(8);
    for _ in 0..3 {
        base.dispatch(&mut app);
        assert_eq!(app.take_events(), [ConnEvent::Writable]);
    }
}

#[test]
fn room_that_was_waited_for_is_reported_once() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().write(b"12345678").unwrap();
    base.conn(conn).unwrap().wait_for_room(5);
    drain(&mut base, conn, 4);
    assert_eq!(passes(&mut base, &mut app), []);
    drain(&mut base, conn, 1);
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Writable]);
    drain(&mut base, conn, 1);
    assert_eq!(passes(&mut base, &mut app), [], "it was requested once");
    drain(&mut base, conn, 2);
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Writable], "all is sent");
}

#[test]
fn waiting_for_more_room_than_the_ring_has_means_an_empty_ring() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().write(b"12").unwrap();
    base.conn(conn).unwrap().wait_for_room(usize::MAX);
    drain(&mut base, conn, 1);
    assert_eq!(passes(&mut base, &mut app), []);
    drain(&mut base, conn, 1);
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Writable]);
}

#[test]
fn room_that_was_used_again_before_its_callback_is_not_reported() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().write(b"12345678").unwrap();
    base.conn(conn).unwrap().wait_for_room(4);
    drain(&mut base, conn, 4);
    base.conn(conn).unwrap().write(b"9").unwrap();
    assert_eq!(passes(&mut base, &mut app), []);
    drain(&mut base, conn, 1);
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Writable]);
}

#[test]
fn room_that_is_waited_for_replaces_the_low_mark() {
    static MARKED: Settings = Settings::new().output_marks(6, usize::MAX);
    let (mut base, mut app) = (base(), App::default());
    let conn = open_with(&mut base, &mut app, &MARKED);
    base.conn(conn).unwrap().write(b"123456").unwrap();
    base.conn(conn).unwrap().wait_for_room(4);
    assert_eq!(passes(&mut base, &mut app), [], "there is room for two bytes");
    drain(&mut base, conn, 1);
    assert_eq!(passes(&mut base, &mut app), []);
    drain(&mut base, conn, 1);
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Writable]);
    drain(&mut base, conn, 1);
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Writable], "the low mark applies again");
}

#[test]
fn room_can_be_waited_for_at_rest() {
    let (mut base, mut app) = (base(), App::default());
    let pool = pool(&mut base, 1);
    let conn = base.outgoing_with(pool, &SETTINGS, App::record).unwrap();
    base.conn(conn).unwrap().write(b"12345678").unwrap();
    base.conn(conn).unwrap().wait_for_room(4);
    base.conn(conn).unwrap().connect(peer()).unwrap();
    opened(&mut base, &mut app, conn);
    drain(&mut base, conn, 4);
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Writable]);
}

#[test]
fn output_that_was_lost_is_not_reported_as_written() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().write(b"a").unwrap();
    app.react = Some(|_, conn, event| {
        if event == ConnEvent::Readable {
            conn.write(b"b").unwrap();
        }
    });
    drain(&mut base, conn, 1);
    feed(&mut base, conn, b"x");
    base.dispatch(&mut app);
    base.failed(conn, ConnError::Reset);
    let end = failed(ConnError::Reset);
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Readable, end]);
}
