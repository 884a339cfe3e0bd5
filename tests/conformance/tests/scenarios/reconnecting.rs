//! Scenarios for outgoing connections that connect again with the same handle, and for connections at rest. A
//! connection at rest has a slot, but no socket.

use std::net::SocketAddr;
use std::time::Duration;

use picoevent::{ConnEvent, ConnectError, SetupError};
use picoevent_conformance::{Ending, Harness, Sizes};

const DELAY: Duration = Duration::from_millis(60);
const LONG: Duration = Duration::from_secs(3600);

/// Sets a reaction for the end of a connection: the connection connects to `peer` after `delay`.
fn reconnect_always<S: Harness>(harness: &mut S, delay: Duration, peer: SocketAddr) {
    harness.react(move |app, conn, event| {
        if let ConnEvent::Ended(_) = event {
            app.connect_again(conn, delay, peer);
        }
    });
}

/// Checks that bytes are received in both directions, and ends the scenario.
fn expect_connected<S: Harness>(mut harness: S, host: usize) {
    harness.conn(0).write(b"me again").unwrap();
    harness.expect(["0 written"]);
    harness.expect_received(host, "me again", None);
    harness.send(host, b"I see");
    harness.expect(["0 read I see"]);
    assert_eq!((harness.app().conns.len(), harness.base().counts().conns), (1, 1));
    harness.end();
}

fn a_connection_that_was_refused_connects_again_after_its_delay<S: Harness>() {
    let mut harness = S::new(Sizes { conns: 1, ..Sizes::default() });
    let closed = harness.closed_address();
    let (address, host) = harness.listening_peer();
    reconnect_always(&mut harness, DELAY, address);
    harness.connect(closed);
    let since = harness.base().now();
    harness.expect(["0 Ended(Failed(Refused))", "0 Opened"]);
    assert!(harness.base().now().since(since) >= DELAY);
    assert_eq!(harness.conn(0).peer_addr(), Some(address));
    expect_connected(harness, host);
}

fn a_connection_that_was_reset_connects_again<S: Harness>() {
    let mut harness = S::new(Sizes { conns: 1, ..Sizes::default() });
    let ((first, first_host), (second, second_host)) =
        (harness.listening_peer(), harness.listening_peer());
    reconnect_always(&mut harness, DELAY, second);
    harness.connect(first);
    harness.expect(["0 Opened"]);
    harness.reset(first_host);
    harness.expect(["0 Ended(Failed(Reset))", "0 Opened"]);
    expect_connected(harness, second_host);
}

fn a_connection_that_was_aborted_connects_again<S: Harness>() {
    let mut harness = S::new(Sizes { conns: 1, ..Sizes::default() });
    let ((first, first_host), (second, second_host)) =
        (harness.listening_peer(), harness.listening_peer());
    reconnect_always(&mut harness, Duration::ZERO, second);
    harness.connect(first);
    harness.expect(["0 Opened"]);
    harness.conn(0).abort();
    harness.expect(["0 Ended(Aborted)", "0 Opened"]);
    harness.expect_reset(first_host);
    expect_connected(harness, second_host);
}

fn a_connection_that_was_closed_connects_again_when_its_output_is_delivered<S: Harness>() {
    let mut harness = S::new(Sizes { conns: 1, ..Sizes::default() });
    let ((first, first_host), (second, second_host)) =
        (harness.listening_peer(), harness.listening_peer());
    reconnect_always(&mut harness, Duration::ZERO, second);
    harness.connect(first);
    harness.expect(["0 Opened"]);
    harness.conn(0).write(b"all of it").unwrap();
    harness.conn(0).close();
    harness.expect(["0 Ended(Closed)", "0 Opened"]);
    harness.expect_received(first_host, "all of it", Some(Ending::End));
    expect_connected(harness, second_host);
}

fn a_connection_whose_peer_has_ended_connects_again<S: Harness>() {
    let mut harness = S::new(Sizes { conns: 1, ..Sizes::default() });
    let ((first, first_host), (second, second_host)) =
        (harness.listening_peer(), harness.listening_peer());
    harness.react(move |app, conn, event| match event {
        ConnEvent::Eof => conn.close(),
        ConnEvent::Ended(_) => app.connect_again(conn, DELAY, second),
        _ => {}
    });
    harness.connect(first);
    harness.expect(["0 Opened"]);
    harness.finish(first_host);
    harness.expect(["0 Eof", "0 Ended(Closed)", "0 Opened"]);
    harness.expect_received(first_host, "", Some(Ending::End));
    expect_connected(harness, second_host);
}

fn a_connection_that_waits_for_its_delay_keeps_its_slot<S: Harness>() {
    let mut harness = S::new(Sizes { conns: 1, ..Sizes::default() });
    let closed = harness.closed_address();
    let (address, _) = harness.listening_peer();
    reconnect_always(&mut harness, LONG, address);
    harness.connect(closed);
    harness.expect(["0 Ended(Failed(Refused))"]);
    assert!(harness.conn(0).is_resting());
    let (base, app) = harness.parts();
    assert_eq!(app.connect(base, address), Err(SetupError::PoolFull));
    harness.end();
}

/// Output that a connection could not send is dropped. It is not sent after the next connect.
fn a_connection_that_connects_again_has_empty_rings<S: Harness>() {
    let mut harness = S::new(Sizes { conns: 1, ..Sizes::default() });
    let closed = harness.closed_address();
    let (address, host) = harness.listening_peer();
    reconnect_always(&mut harness, DELAY, address);
    harness.connect(closed);
    harness.conn(0).write(b"never sent").unwrap();
    harness.conn(0).finish();
    harness.expect(["0 Ended(Failed(Refused))", "0 Opened"]);
    harness.expect_received(host, "", None);
    expect_connected(harness, host);
}

fn a_connection_at_rest_connects_on_request<S: Harness>() {
    let mut harness = S::new(Sizes { conns: 1, ..Sizes::default() });
    let (address, host) = harness.listening_peer();
    let (base, app) = harness.parts();
    app.make_resting(base);
    harness.conn(0).write(b"early").unwrap();
    harness.expect([]);
    assert!(harness.conn(0).is_resting());
    harness.conn(0).connect(address).unwrap();
    harness.expect(["0 Opened", "0 written"]);
    harness.expect_received(host, "early", None);
    assert_eq!(harness.conn(0).connect(address), Err(ConnectError::InUse));
    harness.end();
}

fn a_connection_at_rest_ends_without_a_socket<S: Harness>() {
    let mut harness = S::new(Sizes { conns: 1, ..Sizes::default() });
    for number in 0..4 {
        let (base, app) = harness.parts();
        app.make_resting(base);
        match number % 2 {
            0 => harness.conn(number).close(),
            _ => harness.conn(number).abort(),
        }
        let end = ["Closed", "Aborted"][number % 2];
        harness.expect([format!("{number} Ended({end})").as_str()]);
        harness.expect_conns(0);
    }
    harness.end();
}

on_every_back_end! {
    a_connection_at_rest_connects_on_request,
    a_connection_at_rest_ends_without_a_socket,
    a_connection_that_was_refused_connects_again_after_its_delay,
    a_connection_that_was_reset_connects_again,
    a_connection_that_was_aborted_connects_again,
    a_connection_that_was_closed_connects_again_when_its_output_is_delivered,
    a_connection_whose_peer_has_ended_connects_again,
    a_connection_that_waits_for_its_delay_keeps_its_slot,
    a_connection_that_connects_again_has_empty_rings,
}
