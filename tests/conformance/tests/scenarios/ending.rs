//! The end of a connection is reported once, whatever causes it. No callback follows the end. The application checks
//! this in every scenario.

use picoevent::{ConnEnd, ConnError, ConnEvent};
use picoevent_conformance::{Ending, Sizes, Stage};

fn a_connection_that_is_closed_twice_ends_once<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let call = stage.accepted_call();
    let mut conn = stage.conn(0);
    conn.close();
    conn.close();
    conn.abort();
    assert!(!conn.is_open());
    stage.expect(["0 Ended(Closed)"]);
    stage.expect_heard(call, "", Some(Ending::End));
    let (base, app) = stage.parts();
    assert!(base.conn(app.conns[0]).is_err(), "the handle is stale");
    stage.end();
}

fn a_connection_that_is_aborted_twice_ends_once<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let call = stage.accepted_call();
    let mut conn = stage.conn(0);
    conn.abort();
    conn.abort();
    conn.close();
    stage.expect(["0 Ended(Aborted)"]);
    stage.expect_reset(call);
    stage.end();
}

fn an_abort_with_an_error_is_reported_as_a_failure<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let call = stage.accepted_call();
    stage.conn(0).abort_with(ConnError::TimedOut);
    stage.expect(["0 Ended(Failed(TimedOut))"]);
    stage.expect_reset(call);
    stage.expect_conns(0);
    stage.end();
}

fn a_connection_that_fails_ends_once_and_gives_its_slot_back<S: Stage>() {
    let mut stage = S::new(Sizes { conns: 1, ..Sizes::default() });
    let (_, address) = stage.listen();
    for number in 0..3 {
        let call = stage.call(address);
        stage.expect([format!("{number} accepted").as_str()]);
        stage.reset(call);
        stage.expect([format!("{number} Ended(Failed(Reset))").as_str()]);
        assert_eq!(stage.base().counts().conns, 0);
    }
    stage.end();
}

fn a_connect_that_is_refused_ends_once_and_gives_its_slot_back<S: Stage>() {
    let mut stage = S::new(Sizes { conns: 1, ..Sizes::default() });
    let address = stage.closed_address();
    for number in 0..3 {
        stage.connect(address);
        stage.expect([format!("{number} Ended(Failed(Refused))").as_str()]);
        assert_eq!(stage.base().counts().conns, 0);
    }
    stage.end();
}

fn verbs_change_nothing_in_the_last_callback<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.react(|_, conn, event| {
        if let ConnEvent::Ended(end) = event {
            conn.close();
            conn.abort();
            assert_eq!((conn.write_some(b"too late"), conn.room()), (0, 0), "{end:?}");
            assert!(!conn.is_open());
            let id = conn.id();
            assert!(conn.cx().conn(id).is_err() || matches!(end, ConnEnd::Failed(_)));
        }
    });
    let (_, address) = stage.listen();
    let calls = ["0 accepted", "1 accepted", "2 accepted"].map(|accepted| {
        let call = stage.call(address);
        stage.expect([accepted]);
        call
    });
    stage.conn(0).close();
    stage.expect(["0 Ended(Closed)"]);
    stage.conn(1).abort();
    stage.expect(["1 Ended(Aborted)"]);
    stage.reset(calls[2]);
    stage.expect(["2 Ended(Failed(Reset))"]);
    stage.expect_heard(calls[0], "", Some(Ending::End));
    stage.end();
}

on_every_stage! {
    a_connection_that_is_closed_twice_ends_once,
    a_connection_that_is_aborted_twice_ends_once,
    an_abort_with_an_error_is_reported_as_a_failure,
    a_connection_that_fails_ends_once_and_gives_its_slot_back,
    a_connect_that_is_refused_ends_once_and_gives_its_slot_back,
    verbs_change_nothing_in_the_last_callback,
}
