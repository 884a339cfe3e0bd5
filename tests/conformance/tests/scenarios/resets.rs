//! A peer that resets its connection, in every state the connection can have.

use std::time::Duration;

use picoevent::ConnEvent;
use picoevent_conformance::{Ending, Sizes, Stage};

const LONG: Duration = Duration::from_secs(3600);

/// The operating system still accepts a connection that was reset, and its next read fails. A stack without a backlog
/// drops the connection. In both cases nothing is left behind.
fn a_reset_before_the_accept_leaves_nothing_behind<S: Stage>() {
    let mut stage = S::new(Sizes { conns: 1, ..Sizes::default() });
    let (_, address) = stage.listen();
    let call = stage.call(address);
    stage.reset(call);
    stage.step();
    stage.until(|stage| stage.app().log.len() != 1);
    let log = core::mem::take(&mut stage.app().log);
    assert!(log.is_empty() || log == ["0 accepted", "0 Ended(Failed(Reset))"], "{log:?}");
    let next = log.len() / 2;
    stage.call(address);
    stage.expect([format!("{next} accepted").as_str()]);
    stage.end();
}

fn a_reset_of_an_open_connection_is_a_failure<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let call = stage.accepted_call();
    stage.reset(call);
    stage.expect(["0 Ended(Failed(Reset))"]);
    // The slot is free without a call of the application.
    assert_eq!(stage.base().counts().conns, 0);
    let (base, app) = stage.parts();
    assert!(base.conn(app.conns[0]).is_err());
    stage.end();
}

fn a_reset_is_noticed_while_reading_is_disabled<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.app().reads = false;
    let call = stage.accepted_call();
    stage.send(call, b"never read");
    stage.expect([]);
    stage.reset(call);
    stage.expect(["0 Ended(Failed(Reset))"]);
    stage.end();
}

fn a_reset_after_our_end_is_a_failure<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let call = stage.accepted_call();
    stage.conn(0).finish();
    stage.expect_heard(call, "", Some(Ending::End));
    stage.reset(call);
    stage.expect(["0 Ended(Failed(Reset))"]);
    stage.end();
}

fn a_reset_after_the_peers_end_is_a_failure<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let call = stage.accepted_call();
    stage.finish(call);
    stage.expect(["0 Eof"]);
    stage.reset(call);
    stage.expect(["0 Ended(Failed(Reset))"]);
    stage.end();
}

fn output_to_a_peer_that_has_closed_is_answered_by_a_reset<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let call = stage.accepted_call();
    stage.close(call);
    stage.expect(["0 Eof"]);
    stage.conn(0).write(b"anybody there?").unwrap();
    stage.expect(["0 written", "0 Ended(Failed(Reset))"]);
    stage.end();
}

fn a_reset_while_output_waits_is_a_failure<S: Stage>() {
    let mut stage = S::new(Sizes { ring: 8192, ..Sizes::default() });
    let (_, address) = stage.listen();
    let call = stage.call_unread(address, 512);
    stage.expect(["0 accepted"]);
    stage.flood(0);
    stage.reset(call);
    stage.expect(["0 Ended(Failed(Reset))"]);
    stage.end();
}

fn a_reset_of_a_closed_connection_with_output_left_is_not_reported<S: Stage>() {
    let mut stage = S::new(Sizes { ring: 8192, ..Sizes::default() });
    stage.base().set_close_limits(LONG, LONG);
    let (_, address) = stage.listen();
    let call = stage.call_unread(address, 512);
    stage.expect(["0 accepted"]);
    stage.flood(0);
    stage.conn(0).close();
    stage.expect(["0 Ended(Closed)"]);
    assert_eq!(stage.base().counts().conns, 1);
    stage.reset(call);
    stage.expect_conns(0);
    stage.expect([]);
    stage.end();
}

fn a_reset_of_a_lingering_connection_is_not_reported<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.base().set_close_limits(LONG, LONG);
    let call = stage.accepted_call();
    stage.conn(0).close();
    stage.expect(["0 Ended(Closed)"]);
    stage.expect_heard(call, "", Some(Ending::End));
    assert_eq!(stage.base().counts().conns, 1);
    stage.reset(call);
    stage.expect_conns(0);
    stage.expect([]);
    stage.end();
}

fn a_reset_of_an_outgoing_connection_is_a_failure<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let (address, host) = stage.host();
    stage.connect(address);
    stage.expect(["0 Opened"]);
    stage.reset(host);
    stage.expect(["0 Ended(Failed(Reset))"]);
    stage.end();
}

/// Before the third client is served, the second client is dropped, or it is accepted and fails.
fn a_reset_of_a_waiting_client_does_not_keep_others_waiting<S: Stage>() {
    let mut stage = S::new(Sizes { conns: 1, ..Sizes::default() });
    let (_, address) = stage.listen();
    let first = stage.call(address);
    stage.expect(["0 accepted"]);
    let (second, third) = (stage.call(address), stage.call(address));
    stage.reset(second);
    stage.expect([]);
    stage.react(|_, conn, event| match event {
        ConnEvent::Opened => conn.write(b"welcome").unwrap(),
        ConnEvent::Eof => conn.close(),
        _ => {}
    });
    stage.finish(first);
    stage.expect_heard(third, "welcome", None);
    let log = core::mem::take(&mut stage.app().log);
    let last = stage.app().conns.len() - 1;
    assert_eq!(log[..2], ["0 Eof", "0 Ended(Closed)"]);
    assert_eq!(log[log.len() - 2..], [format!("{last} accepted"), format!("{last} written")]);
    stage.end();
}

on_every_stage! {
    a_reset_before_the_accept_leaves_nothing_behind,
    a_reset_of_an_open_connection_is_a_failure,
    a_reset_is_noticed_while_reading_is_disabled,
    a_reset_after_our_end_is_a_failure,
    a_reset_after_the_peers_end_is_a_failure,
    output_to_a_peer_that_has_closed_is_answered_by_a_reset,
    a_reset_while_output_waits_is_a_failure,
    a_reset_of_a_closed_connection_with_output_left_is_not_reported,
    a_reset_of_a_lingering_connection_is_not_reported,
    a_reset_of_an_outgoing_connection_is_a_failure,
    a_reset_of_a_waiting_client_does_not_keep_others_waiting,
}
