//! Outgoing connections that reconnect.

use picoevent::{
    Action, Conn, ConnError, ConnEvent, Direction, FIN_WAIT, LINGER, Pool, Settings, StaleError,
};

use crate::outgoing::opened;
use crate::{
    ABORTED, App, Base, CLOSED, SETTINGS, actions, at, base, connect, drain, failed, feed, ms,
    passes, passes_at, peer, pool,
};

/// Makes the only connection of a pool. The connection reconnects 50 ms after each end.
fn reconnecting() -> (Base<'static>, App, Conn) {
    let (mut base, mut app) = (base(), App::default());
    app.react = Some(|_, conn, event| {
        if let ConnEvent::Ended(_) = event {
            conn.connect_after(ms(50), peer()).unwrap();
        }
    });
    let pool = pool(&mut base, 1);
    let conn = connect(&mut base, pool);
    (base, app, conn)
}

/// Makes the same connection as [`reconnecting`], and opens it for the first time.
fn reconnecting_and_open() -> (Base<'static>, App, Conn) {
    let (mut base, mut app, conn) = reconnecting();
    opened(&mut base, &mut app, conn);
    (base, app, conn)
}

#[test]
fn a_connection_that_reconnects_keeps_its_handle_and_loses_its_bytes() {
    let (mut base, mut app, conn) = reconnecting_and_open();
    base.conn(conn).unwrap().set_timeouts(Some(ms(1)), Some(ms(1))).disable(Direction::Write);
    base.conn(conn).unwrap().write(b"lost").unwrap();
    base.conn(conn).unwrap().finish();
    feed(&mut base, conn, b"lost");
    base.advance(at(100));
    base.failed(conn, ConnError::Reset);
    let reset = failed(ConnError::Reset);
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Readable, reset]);
    let mut view = base.conn(conn).unwrap();
    assert!(!view.is_open() && !view.is_resting(), "the back end may have its socket");
    assert_eq!(view.connect_after(ms(70), peer()), Ok(()), "a later call counts");
    assert_eq!(view.connect_after(ms(50), peer()), Ok(()));
    assert_eq!((actions(&mut base), base.deadline()), (vec![], Some(at(150))));
    let view = base.conn(conn).unwrap();
    assert!(view.is_resting() && view.is_enabled(Direction::Write));
    assert_eq!((view.input_len(), view.output_len(), view.room()), (0, 0, 8));
    assert_eq!(view.timeouts(), (None, None));
    assert_eq!((base.counts().conns, passes_at(&mut base, &mut app, 149)), (1, vec![]));
    assert_eq!(passes_at(&mut base, &mut app, 150), []);
    opened(&mut base, &mut app, conn);
    assert_eq!(feed(&mut base, conn, b"new"), 3);
    assert_eq!(base.conn(conn).unwrap().peek().0, b"new");
}

#[test]
fn a_refused_connect_can_be_tried_again_without_end() {
    let (mut base, mut app, conn) = reconnecting();
    for round in 0..100 {
        passes_at(&mut base, &mut app, 50 * round);
        assert_eq!(actions(&mut base), [Action::Connect(conn)], "round {round}");
        base.failed(conn, ConnError::Refused);
        assert_eq!(passes(&mut base, &mut app), [failed(ConnError::Refused)]);
        assert_eq!(actions(&mut base), []);
    }
    let pool = base.conn(conn).unwrap().pool().unwrap();
    assert_eq!((base.conns_in_use(pool), base.counts().conns), (1, 1));
}

#[test]
fn a_closed_connection_sends_its_output_before_it_reconnects() {
    let (mut base, mut app, conn) = reconnecting_and_open();
    base.conn(conn).unwrap().write(b"bye").unwrap();
    base.conn(conn).unwrap().close();
    assert_eq!(passes(&mut base, &mut app), [CLOSED]);
    assert!(!actions(&mut base).is_empty());
    // The time for the next connect is reached while the output is still being sent. So the connect must wait.
    assert_eq!(passes_at(&mut base, &mut app, 60), []);
    assert_eq!((actions(&mut base), drain(&mut base, conn, 9)), (vec![], b"bye".to_vec()));
    assert_eq!(actions(&mut base), [Action::End(conn)]);
    base.delivered(conn);
    assert!(!base.is_lingering(conn), "the peer's end is not waited for");
    assert_eq!(actions(&mut base), [Action::Close(conn), Action::Connect(conn)]);
    assert_eq!(base.end_lingering(), None);
    base.connected(conn);
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Opened]);
}

#[test]
fn a_connect_ends_the_wait_for_the_peers_end_of_stream() {
    let (mut base, mut app, conn) = reconnecting_and_open();
    base.conn(conn).unwrap().close();
    actions(&mut base);
    base.delivered(conn);
    assert!(base.is_lingering(conn));
    assert_eq!(passes(&mut base, &mut app), [CLOSED]);
    assert!(!base.is_lingering(conn));
    assert_eq!((actions(&mut base), base.deadline()), (vec![Action::Close(conn)], Some(at(50))));
}

#[test]
fn output_that_cannot_be_delivered_does_not_prevent_a_reconnect() {
    let (mut base, mut app, conn) = reconnecting_and_open();
    base.conn(conn).unwrap().write(b"bye").unwrap();
    base.conn(conn).unwrap().close();
    assert_eq!(passes(&mut base, &mut app), [CLOSED]);
    actions(&mut base);
    base.advance(at(0).after(LINGER));
    passes(&mut base, &mut app);
    assert_eq!(actions(&mut base), [Action::Reset(conn), Action::Connect(conn)]);
    assert!(FIN_WAIT < LINGER);
}

#[test]
fn closing_a_connection_that_will_reconnect_calls_ended_again() {
    // Before its socket is dropped, and when it is at rest, the application gets the same callback.
    for is_resting in [false, true] {
        let (mut base, mut app, conn) = reconnecting_and_open();
        base.conn(conn).unwrap().abort();
        assert_eq!(passes(&mut base, &mut app), [ABORTED]);
        let pool = base.conn(conn).unwrap().pool().unwrap();
        let reset = if is_resting { actions(&mut base) } else { vec![] };
        assert_eq!(base.conn(conn).unwrap().is_resting(), is_resting);
        app.react = None;
        base.conn(conn).unwrap().close();
        assert_eq!(base.conn(conn).map(|_| ()), Err(StaleError));
        assert_eq!(passes_at(&mut base, &mut app, 100), [CLOSED], "at rest: {is_resting}");
        assert_eq!([reset, actions(&mut base)].concat(), [Action::Reset(conn)]);
        assert_eq!((base.counts().conns, passes(&mut base, &mut app)), (0, vec![]));
        assert!(base.outgoing_with(pool, &SETTINGS, App::record).is_ok(), "its slot is free");
    }
}

#[test]
fn a_cancelled_reconnect_can_be_requested_again() {
    let (mut base, mut app, conn) = reconnecting_and_open();
    base.conn(conn).unwrap().write(b"bye").unwrap();
    base.conn(conn).unwrap().close();
    assert_eq!(passes(&mut base, &mut app), [CLOSED]);
    // The callback `ended` requests the next connect again.
    base.conn(conn).unwrap().close();
    assert_eq!(passes(&mut base, &mut app), [CLOSED]);
    assert_eq!((actions(&mut base), drain(&mut base, conn, 9)).1, b"bye");
    actions(&mut base);
    base.delivered(conn);
    assert_eq!(actions(&mut base), [Action::Close(conn)]);
    assert_eq!((base.counts().conns, passes_at(&mut base, &mut app, 50)), (1, vec![]));
    assert_eq!(actions(&mut base), [Action::Connect(conn)]);
}

#[test]
fn close_all_cancels_every_reconnect() {
    let (mut base, mut app) = (base(), App::default());
    app.react = Some(|_, conn, event| {
        if let ConnEvent::Ended(_) = event {
            conn.connect(peer()).unwrap();
        }
    });
    let pool = pool(&mut base, 1);
    let conn = connect(&mut base, pool);
    opened(&mut base, &mut app, conn);
    base.conn(conn).unwrap().abort();
    assert_eq!(passes(&mut base, &mut app), [ABORTED]);
    base.close_all();
    assert_eq!((actions(&mut base), base.counts().conns), (vec![Action::Reset(conn)], 0));
}

#[test]
fn the_stall_timeout_limits_each_connect_but_not_the_time_at_rest() {
    static STALLS: Settings = Settings::new().stall(crate::Duration::from_millis(20));
    let (mut base, mut app) = (base(), App::default());
    let pool = base.add_pool(Pool::new(1).rings(8, 8)).unwrap();
    let conn = base.outgoing_with(pool, &STALLS, App::record).unwrap();
    app.react = Some(|_, conn, event| match event {
        ConnEvent::Timeout(_) => conn.abort_with(ConnError::TimedOut),
        ConnEvent::Ended(_) => conn.connect_after(ms(100), peer()).unwrap(),
        _ => {}
    });
    base.conn(conn).unwrap().connect_after(ms(100), peer()).unwrap();
    let timeout = ConnEvent::Timeout(Direction::Write);
    for round in [0, 120] {
        assert_eq!(passes_at(&mut base, &mut app, round + 100), []);
        assert_eq!(actions(&mut base), [Action::Connect(conn)]);
        assert_eq!(passes_at(&mut base, &mut app, round + 119), []);
        let events = passes_at(&mut base, &mut app, round + 120);
        assert_eq!(events, [timeout, failed(ConnError::TimedOut)]);
        assert_eq!(actions(&mut base), [Action::Reset(conn)]);
    }
}
