//! All ways in which a connection can end, and the reports to the application.

use picoevent::{
    Action, ConnEnd, ConnError, ConnEvent, Direction, End, EventBase, FIN_WAIT, Instant, LINGER,
    StaleError, Storage, Wait, WriteError,
};

use crate::{
    ABORTED, App, CLOSED, actions, base, connect, drain, feed, listener, open, peer, with_conn,
};

#[test]
fn a_failure_is_reported_once_and_keeps_only_the_input() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().enable(Direction::Read).write(b"lost").unwrap();
    feed(&mut base, conn, b"ab");
    base.failed(conn, ConnError::Reset);
    base.failed(conn, ConnError::TimedOut);
    app.react = Some(|_, conn, event| {
        assert_eq!((conn.peek().0, conn.output_len()), (&b"ab"[..], 0), "{event:?}");
        assert_eq!((conn.write(b"x"), conn.write_some(b"x")), (Err(WriteError::Finished), 0));
    });
    base.dispatch(&mut app);
    let failed = ConnEvent::Ended(ConnEnd::Failed(ConnError::Reset));
    assert_eq!(app.calls(), [ConnEvent::Readable, failed]);
    assert_eq!(base.conn(conn).map(|_| ()), Err(StaleError));
    assert_eq!((actions(&mut base), base.counts().conns), (vec![], 0));
    base.dispatch(&mut app);
    assert_eq!(app.calls(), []);
}

#[test]
fn close_sends_the_queued_output_and_then_frees_the_slot() {
    let mut storage = Box::new(Storage::<App, 1, 1, 12>::new());
    let (mut base, mut app) = (EventBase::new(&mut storage), App::default());
    let conn = open(&mut base, &mut app);
    let listener = base.conn(conn).unwrap().listener().unwrap();
    base.conn(conn).unwrap().write(b"bye").unwrap();
    base.conn(conn).unwrap().close();
    assert_eq!(base.conn(conn).map(|_| ()), Err(StaleError), "for the application it is gone");
    assert_eq!(actions(&mut base), [Action::Receive(conn), Action::Send(conn)]);
    assert_eq!(drain(&mut base, conn, 9), b"bye");
    assert_eq!(actions(&mut base), [Action::End(conn)]);
    assert!(!base.has_room(listener), "its slot is not");
    base.delivered(conn);
    base.peer_finished(conn);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [CLOSED], "and it has no other callback");
    assert_eq!(actions(&mut base), [Action::Close(conn)]);
    assert!(base.has_room(listener));
    base.delivered(conn);
    assert_eq!(base.output(conn), (&[][..], &[][..]));
}

#[test]
fn a_closed_connection_keeps_the_loop_until_its_peer_has_ended() {
    let (mut base, mut app) = (base(), App::default());
    let listener = listener(&mut base);
    let conn = base.accepted(listener, peer()).unwrap();
    base.dispatch(&mut app);
    base.listener(listener).unwrap().free();
    base.conn(conn).unwrap().close();
    assert_eq!(base.wait(), Wait::Not, "the end has not been reported to the application");
    base.dispatch(&mut app);
    actions(&mut base);
    assert_eq!(base.wait(), Wait::Until(Instant::ZERO.after(LINGER)));
    base.delivered(conn);
    assert_eq!(base.wait(), Wait::Until(Instant::ZERO.after(FIN_WAIT)));
    base.peer_finished(conn);
    actions(&mut base);
    assert_eq!(base.wait(), Wait::Ended(End::Empty));
}

#[test]
fn an_abort_discards_the_output_and_the_handle_is_stale_at_once() {
    let (mut base, mut app, conn) = with_conn();
    let mut view = base.conn(conn).unwrap();
    view.enable(Direction::Read).write(b"never").unwrap();
    view.abort();
    assert_eq!(base.conn(conn).map(|_| ()), Err(StaleError));
    assert_eq!(actions(&mut base), [Action::Reset(conn)]);
    assert_eq!(base.counts().conns, 1, "until the end is reported to the application");
    base.received(conn, 3);
    base.sent(conn, 3);
    base.peer_finished(conn);
    base.connected(conn);
    base.failed(conn, ConnError::Reset);
    base.delivered(conn);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ABORTED], "a report about a connection that is gone is ignored");
    assert_eq!((actions(&mut base), base.counts().conns), (vec![], 0));
}

/// Without a reset, the peer would treat incomplete data as complete.
#[test]
fn an_abort_with_an_error_is_a_reset_even_after_the_peers_end() {
    let (mut base, mut app, conn) = with_conn();
    base.peer_finished(conn);
    base.dispatch(&mut app);
    actions(&mut base);
    base.conn(conn).unwrap().abort_with(ConnError::TimedOut);
    assert_eq!(actions(&mut base), [Action::Reset(conn)]);
}

#[test]
fn an_aborted_connect_sends_nothing_when_its_peer_answers_late() {
    let (mut base, mut app) = (base(), App::default());
    let conn = connect(&mut base);
    base.conn(conn).unwrap().write(b"late").unwrap();
    assert!(matches!(actions(&mut base)[..], [Action::Connect(..)]));
    base.conn(conn).unwrap().abort();
    base.connected(conn);
    assert_eq!(base.output(conn), (&[][..], &[][..]));
    assert_eq!(actions(&mut base), [Action::Reset(conn)]);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ABORTED]);
}

#[test]
fn a_connection_aborted_in_its_callback_reports_only_its_end() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().enable(Direction::Read);
    app.react = Some(|_, conn, _| conn.abort());
    feed(&mut base, conn, b"ab");
    base.peer_finished(conn);
    for _ in 0..3 {
        base.dispatch(&mut app);
    }
    assert_eq!(app.calls(), [ConnEvent::Readable, ABORTED]);
}

#[test]
fn a_closing_connection_that_fails_frees_its_slot() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().write(b"bye").unwrap();
    base.conn(conn).unwrap().close();
    base.failed(conn, ConnError::Reset);
    assert_eq!(actions(&mut base), [], "what was requested of it is forgotten");
    assert_eq!(base.counts().conns, 1, "until the end is reported to the application");
    base.dispatch(&mut app);
    assert_eq!((app.calls(), actions(&mut base)), (vec![CLOSED], vec![]));
    assert_eq!(base.counts().conns, 0);
    let next = connect(&mut base);
    assert_eq!(actions(&mut base), [Action::Connect(next)]);
}

#[test]
fn finishing_our_side_keeps_the_other_open() {
    let (mut base, _, conn) = with_conn();
    let mut view = base.conn(conn).unwrap();
    view.enable(Direction::Read).write(b"last").unwrap();
    view.finish();
    assert_eq!(view.write(b"x"), Err(WriteError::Finished));
    assert_eq!(actions(&mut base), [Action::Receive(conn), Action::Send(conn)]);
    assert_eq!(drain(&mut base, conn, 9), b"last");
    assert_eq!(actions(&mut base), [Action::End(conn)]);
    assert_eq!(feed(&mut base, conn, b"ok"), 2);
}
