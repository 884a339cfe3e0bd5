//! Scenarios in which a peer resets its connection, in every state of the connection.

use std::time::Duration;

use picoevent::ConnEvent;
use picoevent_conformance::{Ending, Harness, Sizes};

const LONG: Duration = Duration::from_secs(3600);

/// If the client resets the connection before the accept, an operating system still accepts the connection, and the
/// next read fails. A stack without a backlog drops the connection. In both cases, the slot is free afterwards.
fn a_reset_before_the_accept_leaves_nothing_behind<S: Harness>() {
    let mut harness = S::new(Sizes { conns: 1, ..Sizes::default() });
    let (_, address) = harness.listen();
    let peer = harness.connect_peer(address);
    harness.reset(peer);
    harness.step();
    harness.until(|harness| harness.app().log.len() != 1);
    let log = core::mem::take(&mut harness.app().log);
    assert!(log.is_empty() || log == ["0 accepted", "0 Ended(Failed(Reset))"], "{log:?}");
    let next = log.len() / 2;
    harness.connect_peer(address);
    harness.expect([format!("{next} accepted").as_str()]);
    harness.end();
}

fn a_reset_of_an_open_connection_is_a_failure<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let peer = harness.accepted_peer();
    harness.reset(peer);
    harness.expect(["0 Ended(Failed(Reset))"]);
    // The slot is free, although the application has not called any function.
    assert_eq!(harness.base().counts().conns, 0);
    let (base, app) = harness.parts();
    assert!(base.conn(app.conns[0]).is_err());
    harness.end();
}

fn a_reset_is_noticed_while_reading_is_disabled<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.app().enables_reading = false;
    let peer = harness.accepted_peer();
    harness.send(peer, b"never read");
    harness.expect([]);
    harness.reset(peer);
    harness.expect(["0 Ended(Failed(Reset))"]);
    harness.end();
}

fn a_reset_after_our_end_is_a_failure<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let peer = harness.accepted_peer();
    harness.conn(0).finish();
    harness.expect_received(peer, "", Some(Ending::End));
    harness.reset(peer);
    harness.expect(["0 Ended(Failed(Reset))"]);
    harness.end();
}

fn a_reset_after_the_peers_end_is_a_failure<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let peer = harness.accepted_peer();
    harness.finish(peer);
    harness.expect(["0 Eof"]);
    harness.reset(peer);
    harness.expect(["0 Ended(Failed(Reset))"]);
    harness.end();
}

fn output_to_a_peer_that_has_closed_is_answered_by_a_reset<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let peer = harness.accepted_peer();
    harness.close(peer);
    harness.expect(["0 Eof"]);
    harness.conn(0).write(b"anybody there?").unwrap();
    harness.expect(["0 written", "0 Ended(Failed(Reset))"]);
    harness.end();
}

fn a_reset_while_output_waits_is_a_failure<S: Harness>() {
    let mut harness = S::new(Sizes { ring: 8192, ..Sizes::default() });
    let (_, address) = harness.listen();
    let peer = harness.connect_peer_unread(address, 512);
    harness.expect(["0 accepted"]);
    harness.flood(0);
    harness.reset(peer);
    harness.expect(["0 Ended(Failed(Reset))"]);
    harness.end();
}

fn a_reset_of_a_closed_connection_with_output_left_is_not_reported<S: Harness>() {
    let mut harness = S::new(Sizes { ring: 8192, ..Sizes::default() });
    harness.base().set_close_limits(LONG, LONG);
    let (_, address) = harness.listen();
    let peer = harness.connect_peer_unread(address, 512);
    harness.expect(["0 accepted"]);
    harness.flood(0);
    harness.conn(0).close();
    harness.expect(["0 Ended(Closed)"]);
    assert_eq!(harness.base().counts().conns, 1);
    harness.reset(peer);
    harness.expect_conns(0);
    harness.expect([]);
    harness.end();
}

fn a_reset_of_a_lingering_connection_is_not_reported<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.base().set_close_limits(LONG, LONG);
    let peer = harness.accepted_peer();
    harness.conn(0).close();
    harness.expect(["0 Ended(Closed)"]);
    harness.expect_received(peer, "", Some(Ending::End));
    assert_eq!(harness.base().counts().conns, 1);
    harness.reset(peer);
    harness.expect_conns(0);
    harness.expect([]);
    harness.end();
}

fn a_reset_of_an_outgoing_connection_is_a_failure<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let (address, host) = harness.listening_peer();
    harness.connect(address);
    harness.expect(["0 Opened"]);
    harness.reset(host);
    harness.expect(["0 Ended(Failed(Reset))"]);
    harness.end();
}

/// The second client resets its connection while it waits. Depending on the back end, this connection is never
/// accepted, or it is accepted and fails. In both cases, the third client is served after the first.
fn a_reset_of_a_waiting_client_does_not_keep_others_waiting<S: Harness>() {
    let mut harness = S::new(Sizes { conns: 1, ..Sizes::default() });
    let (_, address) = harness.listen();
    let first = harness.connect_peer(address);
    harness.expect(["0 accepted"]);
    let (second, third) = (harness.connect_peer(address), harness.connect_peer(address));
    harness.reset(second);
    harness.expect([]);
    harness.react(|_, conn, event| match event {
        ConnEvent::Opened => conn.write(b"welcome").unwrap(),
        ConnEvent::Eof => conn.close(),
        _ => {}
    });
    harness.finish(first);
    harness.expect_received(third, "welcome", None);
    let log = core::mem::take(&mut harness.app().log);
    let last = harness.app().conns.len() - 1;
    assert_eq!(log[..2], ["0 Eof", "0 Ended(Closed)"]);
    assert_eq!(log[log.len() - 2..], [format!("{last} accepted"), format!("{last} written")]);
    harness.end();
}

on_every_back_end! {
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
