//! Outgoing connections in their different states: at rest (without a socket), connecting, and ended.

use std::net::SocketAddr;

use picoevent::{
    Action, Conn, ConnError, ConnEvent, ConnectError, End, SetupError, StaleError, Wait,
};

use crate::{
    ABORTED, App, Base, CLOSED, SETTINGS, actions, at, base, connect, drain, ms, passes, passes_at,
    peer, pool, with_conn,
};

/// Returns another address of the peer.
fn elsewhere() -> SocketAddr {
    "192.0.2.8:80".parse().unwrap()
}

pub fn opened(base: &mut Base, app: &mut App, conn: Conn) {
    assert_eq!(actions(base), [Action::Connect(conn)]);
    base.connected(conn);
    assert_eq!(passes(base, app), [ConnEvent::Opened]);
    actions(base);
}

#[test]
fn a_connection_at_rest_takes_a_slot_and_does_nothing() {
    let (mut base, mut app) = (base(), App::default());
    let pool = pool(&mut base, 1);
    let conn = base.outgoing_with(pool, &SETTINGS, App::record).unwrap();
    assert_eq!(base.outgoing_with(pool, &SETTINGS, App::record), Err(SetupError::PoolFull));
    let view = base.conn(conn).unwrap();
    assert!(view.is_resting() && !view.is_open());
    assert_eq!((actions(&mut base), passes_at(&mut base, &mut app, 1_000)), (vec![], vec![]));
    // Reports of a back end about a connection at rest are ignored.
    base.connected(conn);
    base.failed(conn, ConnError::Reset);
    base.peer_finished(conn);
    assert_eq!(passes(&mut base, &mut app), []);
    base.conn(conn).unwrap().connect(elsewhere()).unwrap();
    assert!(!base.conn(conn).unwrap().is_resting());
    assert_eq!(base.peer_of(conn), Some(elsewhere()));
    opened(&mut base, &mut app, conn);
    assert!(base.conn(conn).unwrap().is_open());
}

#[test]
fn output_that_is_written_at_rest_is_sent_when_connected() {
    let (mut base, mut app) = (base(), App::default());
    let pool = pool(&mut base, 1);
    let conn = base.outgoing_with(pool, &SETTINGS, App::record).unwrap();
    base.conn(conn).unwrap().write(b"hi").unwrap();
    assert_eq!((actions(&mut base), drain(&mut base, conn, 9)), (vec![], vec![]));
    base.conn(conn).unwrap().connect(peer()).unwrap();
    assert_eq!(actions(&mut base), [Action::Connect(conn)]);
    base.connected(conn);
    assert_eq!(actions(&mut base), [Action::Receive(conn), Action::Send(conn)]);
    assert_eq!(drain(&mut base, conn, 9), b"hi");
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Opened, ConnEvent::Writable]);
}

#[test]
fn socket_settings_that_are_made_at_rest_apply_to_the_connect() {
    let mut base = base();
    let pool = pool(&mut base, 1);
    let conn = base.outgoing_with(pool, &SETTINGS, App::record).unwrap();
    base.conn(conn).unwrap().set_nagle(true);
    assert_eq!(actions(&mut base), [], "it has no socket");
    base.conn(conn).unwrap().connect(peer()).unwrap();
    let tuning = base.conn(conn).unwrap().tuning();
    assert!(tuning.nagle);
    assert_eq!(actions(&mut base), [Action::Connect(conn), Action::Tune(conn, tuning)]);
}

#[test]
fn the_delay_of_a_connect_is_exact_and_can_be_replaced() {
    let (mut base, mut app) = (base(), App::default());
    let pool = pool(&mut base, 1);
    let conn = base.outgoing_with(pool, &SETTINGS, App::record).unwrap();
    base.advance(at(7));
    base.conn(conn).unwrap().connect_after(ms(20), peer()).unwrap();
    assert_eq!(base.deadline(), Some(at(27)));
    base.conn(conn).unwrap().connect_after(ms(10), elsewhere()).unwrap();
    assert_eq!(base.deadline(), Some(at(17)));
    assert!(base.conn(conn).unwrap().is_resting());
    passes_at(&mut base, &mut app, 16);
    assert_eq!(actions(&mut base), []);
    passes_at(&mut base, &mut app, 17);
    assert_eq!(actions(&mut base), [Action::Connect(conn)]);
    assert_eq!((base.peer_of(conn), base.deadline()), (Some(elsewhere()), None));
    let again = base.conn(conn).unwrap().connect(peer());
    assert_eq!(again, Err(ConnectError::InUse));
}

#[test]
fn a_connection_that_is_aborted_at_rest_ends_and_can_connect_again() {
    for delay in [0, 50] {
        let (mut base, mut app) = (base(), App::default());
        let pool = pool(&mut base, 1);
        let conn = base.outgoing_with(pool, &SETTINGS, App::record).unwrap();
        base.conn(conn).unwrap().connect_after(ms(10), peer()).unwrap();
        app.count = delay;
        app.react = Some(|app, conn, event| {
            assert!(!conn.is_resting(), "{event:?}");
            if event == ABORTED {
                conn.connect_after(ms(app.count as u64), peer()).unwrap();
            }
        });
        base.conn(conn).unwrap().abort();
        assert_eq!(base.conn(conn).map(|_| ()), Err(StaleError));
        assert_eq!(passes_at(&mut base, &mut app, 5), [ABORTED]);
        let connects = actions(&mut base);
        if delay > 0 {
            assert_eq!((connects, base.deadline()), (vec![], Some(at(55))));
            passes_at(&mut base, &mut app, 55);
            assert_eq!(actions(&mut base), [Action::Connect(conn)]);
        } else {
            assert_eq!(connects, [Action::Connect(conn)]);
        }
        assert_eq!((base.conns_in_use(pool), base.counts().conns), (1, 1));
        base.connected(conn);
        assert_eq!(passes(&mut base, &mut app), [ConnEvent::Opened]);
    }
}

#[test]
fn a_connection_that_is_closed_or_aborted_at_rest_is_freed() {
    for close in [true, false] {
        let (mut base, mut app) = (base(), App::default());
        let pool = pool(&mut base, 1);
        let conn = base.outgoing_with(pool, &SETTINGS, App::record).unwrap();
        base.conn(conn).unwrap().write(b"unsent").unwrap();
        base.conn(conn).unwrap().connect_after(ms(10), peer()).unwrap();
        let mut view = base.conn(conn).unwrap();
        if close {
            view.close()
        } else {
            view.abort()
        }
        let end = if close { CLOSED } else { ABORTED };
        assert_eq!(passes_at(&mut base, &mut app, 50), [end]);
        assert_eq!((actions(&mut base), base.counts().conns), (vec![], 0));
        assert_eq!((base.wait(), base.conns_in_use(pool)), (Wait::Ended(End::Empty), 0));
    }
}

#[test]
fn a_connection_that_was_accepted_or_is_in_use_does_not_connect() {
    let (mut base, mut app, conn) = with_conn();
    assert_eq!(base.conn(conn).unwrap().connect(peer()), Err(ConnectError::Accepted));
    app.react = Some(|_, conn, _| {
        assert_eq!(conn.connect(peer()), Err(ConnectError::Accepted));
    });
    base.conn(conn).unwrap().abort();
    assert_eq!(passes(&mut base, &mut app), [ABORTED]);
    app.react = None;
    let pool = pool(&mut base, 1);
    let conn = connect(&mut base, pool);
    assert_eq!(base.conn(conn).unwrap().connect(peer()), Err(ConnectError::InUse));
    opened_after(&mut base, conn);
    assert_eq!(base.conn(conn).unwrap().connect(peer()), Err(ConnectError::InUse));
    base.failed(conn, ConnError::Reset);
    assert_eq!(base.conn(conn).unwrap().connect(peer()), Err(ConnectError::InUse));
    let texts = [ConnectError::InUse, ConnectError::Accepted, ConnectError::Ended];
    let texts = texts.map(|error| error.to_string());
    assert_eq!(texts[0], "the connection is in use: connect again when it has ended");
    assert_eq!(texts[1..], ["a listener has accepted the connection", "the connection has ended"]);
}

fn opened_after(base: &mut Base, conn: Conn) {
    actions(base);
    base.connected(conn);
}
