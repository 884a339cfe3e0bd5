//! Every connection that was reported to the application gets exactly one `ended` callback, whatever the reason for its
//! end.

use picoevent::{Action, ConnError, ConnEvent, Direction, Priority, StaleError};

use crate::{
    ABORTED, App, CLOSED, SETTINGS, actions, at, base, connect, drain, failed, feed, listen, ms,
    open, passes, peer, pool, with_conn,
};

#[test]
fn close_abort_and_failure_are_reported_as_what_they_are() {
    let (mut base, mut app) = (base(), App::default());
    let pool = pool(&mut base, 5);
    let listener = listen(&mut base, pool, &SETTINGS);
    let conns = [(); 4].map(|()| base.accepted(listener, peer()).unwrap());
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Opened; 4]);
    base.conn(conns[0]).unwrap().close();
    base.conn(conns[1]).unwrap().abort();
    base.conn(conns[2]).unwrap().abort_with(ConnError::TimedOut);
    base.failed(conns[3], ConnError::Reset);
    let (timed_out, reset) = (failed(ConnError::TimedOut), failed(ConnError::Reset));
    assert_eq!(passes(&mut base, &mut app), [CLOSED, ABORTED, timed_out, reset]);
    for conn in conns {
        assert_eq!(base.conn(conn).map(|_| ()), Err(StaleError));
        base.failed(conn, ConnError::Reset);
    }
    assert_eq!(passes(&mut base, &mut app), [], "once");
    actions(&mut base);
    assert_eq!((base.counts().conns, base.conns_in_use(pool)), (0, 0));
}

#[test]
fn a_connect_that_is_refused_ends_without_being_opened() {
    let (mut base, mut app) = (base(), App::default());
    let pool = pool(&mut base, 1);
    let conn = connect(&mut base, pool);
    assert_eq!(actions(&mut base), [Action::Connect(conn)]);
    base.failed(conn, ConnError::Refused);
    assert_eq!(passes(&mut base, &mut app), [failed(ConnError::Refused)]);
    assert_eq!((actions(&mut base), base.counts().conns), (vec![], 0));
}

#[test]
fn a_failure_in_the_pass_of_the_opening_is_reported_after_it() {
    let (mut base, mut app) = (base(), App::default());
    let pool = pool(&mut base, 1);
    let conn = connect(&mut base, pool);
    actions(&mut base);
    base.connected(conn);
    base.failed(conn, ConnError::Reset);
    app.react = Some(|_, conn, _| assert!(!conn.is_open()));
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Opened, failed(ConnError::Reset)]);
}

#[test]
fn an_accepted_connection_that_was_not_opened_ends_without_a_callback() {
    let (mut base, mut app) = (base(), App::default());
    let pool = pool(&mut base, 3);
    let listener = listen(&mut base, pool, &SETTINGS);
    let fails = base.accepted(listener, peer()).unwrap();
    base.failed(fails, ConnError::Reset);
    let resets = base.accepted(listener, peer()).unwrap();
    base.listener(listener).unwrap().free();
    assert_eq!(passes(&mut base, &mut app), []);
    assert!(actions(&mut base).contains(&Action::Reset(resets)));
    assert_eq!((base.counts().conns, base.conns_in_use(pool)), (0, 0));
}

#[test]
fn a_connection_closed_when_it_opens_reports_only_its_end() {
    let (mut base, mut app) = (base(), App::default());
    let pool = pool(&mut base, 1);
    let listener = listen(&mut base, pool, &SETTINGS);
    let conn = base.accepted(listener, peer()).unwrap();
    base.peer_finished(conn);
    app.react = Some(|_, conn, event| {
        if event == ConnEvent::Opened {
            conn.write(b"bye").unwrap();
        }
        conn.close();
    });
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Opened, CLOSED]);
    assert_eq!(actions(&mut base), [Action::Send(conn)]);
    assert_eq!(drain(&mut base, conn, 9), b"bye");
    assert_eq!(actions(&mut base), [Action::End(conn)]);
    base.delivered(conn);
    assert_eq!(actions(&mut base), [Action::Close(conn)]);
    assert_eq!(base.counts().conns, 0);
}

#[test]
fn many_connections_that_end_in_one_pass_report_one_end_each() {
    let (mut base, mut app) = (base(), App::default());
    let pool = pool(&mut base, 8);
    let listener = listen(&mut base, pool, &SETTINGS);
    let conns = [(); 8].map(|()| base.accepted(listener, peer()).unwrap());
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Opened; 8]);
    for (at, conn) in conns.into_iter().enumerate() {
        match at % 2 {
            0 => base.failed(conn, ConnError::Reset),
            _ => base.peer_finished(conn),
        }
    }
    app.react = Some(|_, conn, event| {
        if event == ConnEvent::Eof {
            conn.abort();
        }
    });
    let events = passes(&mut base, &mut app);
    let count = |wanted| events.iter().filter(|event| **event == wanted).count();
    assert_eq!((count(failed(ConnError::Reset)), count(ABORTED), count(ConnEvent::Eof)), (4, 4, 4));
    assert_eq!(events.len(), 12);
    // Connections whose two streams are complete get no further callbacks.
    for conn in conns {
        base.delivered(conn);
    }
    actions(&mut base);
    for conn in conns {
        base.delivered(conn);
    }
    actions(&mut base);
    assert_eq!(base.counts().conns, 0);
}

#[test]
fn a_callback_that_ends_all_connections_causes_one_end_for_each() {
    let (mut base, mut app) = (base(), App::default());
    let pool = pool(&mut base, 4);
    let listener = listen(&mut base, pool, &SETTINGS);
    app.others = [(); 4].map(|()| base.accepted(listener, peer()).unwrap()).to_vec();
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Opened; 4]);
    for conn in app.others.clone() {
        feed(&mut base, conn, b"x");
    }
    app.react = Some(|app, conn, _| {
        for other in app.others.clone() {
            if let Ok(mut other) = conn.cx().conn(other) {
                other.abort();
            }
        }
    });
    assert_eq!(passes(&mut base, &mut app)[..1], [ConnEvent::Readable]);
    actions(&mut base);
    assert_eq!(base.counts().conns, 0);
    let timer = |base: &mut crate::Base, app: &mut App| {
        base.after(ms(0), |app: &mut App, event| {
            app.others.iter().for_each(|conn| event.conn(*conn).unwrap().close());
        })
        .unwrap();
        passes(base, app)
    };
    app.react = None;
    app.others = [(); 4].map(|()| base.accepted(listener, peer()).unwrap()).to_vec();
    passes(&mut base, &mut app);
    assert_eq!(timer(&mut base, &mut app), [CLOSED; 4]);
}

#[test]
fn the_slot_is_freed_when_the_end_was_reported_and_the_back_end_is_done() {
    let (mut base, mut app, conn) = with_conn();
    // In this part, the back end resets the connection before the `ended` callback runs, because the connection has a
    // low priority.
    base.conn(conn).unwrap().set_priority(Priority::LOWEST).unwrap();
    base.conn(conn).unwrap().abort();
    base.after(ms(0), |_: &mut App, _| ()).unwrap();
    base.dispatch(&mut app);
    assert_eq!((app.take_events(), actions(&mut base)), (vec![], vec![Action::Reset(conn)]));
    assert_eq!(base.counts().conns, 1, "its end was not reported");
    app.react = Some(|_, conn, _| assert_eq!(conn.index_in_pool(), Some(0)));
    assert_eq!(passes(&mut base, &mut app), [ABORTED]);
    assert_eq!((actions(&mut base), base.counts().conns), (vec![], 0));
    // In this part, the `ended` callback runs before the back end resets the connection.
    app.react = None;
    let conn = open(&mut base, &mut app);
    base.conn(conn).unwrap().abort();
    assert_eq!(passes(&mut base, &mut app), [ABORTED]);
    assert_eq!(base.counts().conns, 1, "the back end has its socket");
    assert_eq!((actions(&mut base), base.counts().conns), (vec![Action::Reset(conn)], 0));
}

#[test]
fn a_lingering_connection_whose_end_was_not_reported_keeps_its_slot() {
    let (mut base, mut app) = (base(), App::default());
    let pool = pool(&mut base, 1);
    let listener = listen(&mut base, pool, &SETTINGS);
    let conn = base.accepted(listener, peer()).unwrap();
    passes(&mut base, &mut app);
    base.conn(conn).unwrap().close();
    actions(&mut base);
    base.delivered(conn);
    assert!(base.is_lingering(conn) && !base.has_room(listener));
    assert_eq!(
        (base.end_lingering(), base.counts().conns),
        (Some(conn), 1),
        "its socket is given up"
    );
    assert!(!base.has_room(listener));
    assert_eq!(passes(&mut base, &mut app), [CLOSED]);
    actions(&mut base);
    assert!(base.has_room(listener));
}

#[test]
fn a_failed_connection_that_is_closed_or_aborted_reports_only_its_failure() {
    for close in [true, false] {
        let (mut base, mut app, conn) = with_conn();
        base.conn(conn).unwrap().alarm_after(ms(1));
        base.conn(conn).unwrap().write(b"x").unwrap();
        feed(&mut base, conn, b"abc");
        drain(&mut base, conn, 1);
        base.advance(at(1));
        base.failed(conn, ConnError::Reset);
        let mut view = base.conn(conn).unwrap();
        if close {
            view.close()
        } else {
            view.abort()
        }
        assert_eq!(base.conn(conn).map(|_| ()), Err(StaleError));
        assert_eq!(passes(&mut base, &mut app), [failed(ConnError::Reset)]);
        assert_eq!((actions(&mut base), base.counts().conns), (vec![], 0));
    }
}

#[test]
fn input_from_before_a_failure_can_be_read_in_the_callback_for_the_end() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().disable(Direction::Read).enable(Direction::Read);
    feed(&mut base, conn, b"last");
    base.conn(conn).unwrap().disable(Direction::Read);
    base.failed(conn, ConnError::Reset);
    app.react = Some(|app, conn, _| {
        let mut bytes = [0; 8];
        app.count = conn.read(&mut bytes);
        assert_eq!(&bytes[..app.count], b"last");
    });
    assert_eq!((passes(&mut base, &mut app), app.count), (vec![failed(ConnError::Reset)], 4));
}
