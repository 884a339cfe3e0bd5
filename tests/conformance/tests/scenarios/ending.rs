//! The end of a connection is reported once, for every cause of the end. No callback follows the end. The application
//! checks this rule in every scenario.

use picoevent::{ConnEnd, ConnError, ConnEvent};
use picoevent_conformance::{Ending, Harness, Sizes};

fn a_connection_that_is_closed_twice_ends_once<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let peer = harness.accepted_peer();
    let mut conn = harness.conn(0);
    conn.close();
    conn.close();
    conn.abort();
    assert!(!conn.is_open());
    harness.expect(["0 Ended(Closed)"]);
    harness.expect_received(peer, "", Some(Ending::End));
    let (base, app) = harness.parts();
    assert!(base.conn(app.conns[0]).is_err(), "the handle is stale");
    harness.end();
}

fn a_connection_that_is_aborted_twice_ends_once<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let peer = harness.accepted_peer();
    let mut conn = harness.conn(0);
    conn.abort();
    conn.abort();
    conn.close();
    harness.expect(["0 Ended(Aborted)"]);
    harness.expect_reset(peer);
    harness.end();
}

fn an_abort_with_an_error_is_reported_as_a_failure<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let peer = harness.accepted_peer();
    harness.conn(0).abort_with(ConnError::TimedOut);
    harness.expect(["0 Ended(Failed(TimedOut))"]);
    harness.expect_reset(peer);
    harness.expect_conns(0);
    harness.end();
}

fn a_connection_that_fails_ends_once_and_gives_its_slot_back<S: Harness>() {
    let mut harness = S::new(Sizes { conns: 1, ..Sizes::default() });
    let (_, address) = harness.listen();
    for number in 0..3 {
        let peer = harness.connect_peer(address);
        harness.expect([format!("{number} accepted").as_str()]);
        harness.reset(peer);
        harness.expect([format!("{number} Ended(Failed(Reset))").as_str()]);
        assert_eq!(harness.base().counts().conns, 0);
    }
    harness.end();
}

fn a_connect_that_is_refused_ends_once_and_gives_its_slot_back<S: Harness>() {
    let mut harness = S::new(Sizes { conns: 1, ..Sizes::default() });
    let address = harness.closed_address();
    for number in 0..3 {
        harness.connect(address);
        harness.expect([format!("{number} Ended(Failed(Refused))").as_str()]);
        assert_eq!(harness.base().counts().conns, 0);
    }
    harness.end();
}

fn functions_change_nothing_in_the_last_callback<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.react(|_, conn, event| {
        if let ConnEvent::Ended(end) = event {
            conn.close();
            conn.abort();
            assert_eq!((conn.write_some(b"too late"), conn.room()), (0, 0), "{end:?}");
            assert!(!conn.is_open());
            let id = conn.id();
            assert!(conn.cx().conn(id).is_err() || matches!(end, ConnEnd::Failed(_)));
        }
    });
    let (_, address) = harness.listen();
    let peers = ["0 accepted", "1 accepted", "2 accepted"].map(|accepted| {
        let peer = harness.connect_peer(address);
        harness.expect([accepted]);
        peer
    });
    harness.conn(0).close();
    harness.expect(["0 Ended(Closed)"]);
    harness.conn(1).abort();
    harness.expect(["1 Ended(Aborted)"]);
    harness.reset(peers[2]);
    harness.expect(["2 Ended(Failed(Reset))"]);
    harness.expect_received(peers[0], "", Some(Ending::End));
    harness.end();
}

on_every_back_end! {
    a_connection_that_is_closed_twice_ends_once,
    a_connection_that_is_aborted_twice_ends_once,
    an_abort_with_an_error_is_reported_as_a_failure,
    a_connection_that_fails_ends_once_and_gives_its_slot_back,
    a_connect_that_is_refused_ends_once_and_gives_its_slot_back,
    functions_change_nothing_in_the_last_callback,
}
