//! Outgoing connections at rest, and those that connect again, with the same handle.

use std::net::SocketAddr;
use std::time::Duration;

use picoevent::{ConnEvent, ConnectError, SetupError};
use picoevent_conformance::{Ending, Sizes, Stage};

const DELAY: Duration = Duration::from_millis(60);
const LONG: Duration = Duration::from_secs(3600);

/// Lets every connection that ends connect to the peer after a delay.
fn always_again<S: Stage>(stage: &mut S, delay: Duration, peer: SocketAddr) {
    stage.react(move |app, conn, event| {
        if let ConnEvent::Ended(_) = event {
            app.connect_again(conn, delay, peer);
        }
    });
}

/// Checks that bytes are received in both directions, and ends the scenario.
fn expect_connected<S: Stage>(mut stage: S, host: usize) {
    stage.conn(0).write(b"me again").unwrap();
    stage.expect(["0 written"]);
    stage.expect_heard(host, "me again", None);
    stage.send(host, b"I see");
    stage.expect(["0 read I see"]);
    assert_eq!((stage.app().conns.len(), stage.base().counts().conns), (1, 1));
    stage.end();
}

fn a_connection_that_was_refused_connects_again_after_its_delay<S: Stage>() {
    let mut stage = S::new(Sizes { conns: 1, ..Sizes::default() });
    let closed = stage.closed_address();
    let (address, host) = stage.host();
    always_again(&mut stage, DELAY, address);
    stage.connect(closed);
    let since = stage.base().now();
    stage.expect(["0 Ended(Failed(Refused))", "0 Opened"]);
    assert!(stage.base().now().since(since) >= DELAY);
    assert_eq!(stage.conn(0).peer(), Some(address));
    expect_connected(stage, host);
}

fn a_connection_that_was_reset_connects_again<S: Stage>() {
    let mut stage = S::new(Sizes { conns: 1, ..Sizes::default() });
    let ((first, first_host), (second, second_host)) = (stage.host(), stage.host());
    always_again(&mut stage, DELAY, second);
    stage.connect(first);
    stage.expect(["0 Opened"]);
    stage.reset(first_host);
    stage.expect(["0 Ended(Failed(Reset))", "0 Opened"]);
    expect_connected(stage, second_host);
}

fn a_connection_that_was_aborted_connects_again<S: Stage>() {
    let mut stage = S::new(Sizes { conns: 1, ..Sizes::default() });
    let ((first, first_host), (second, second_host)) = (stage.host(), stage.host());
    always_again(&mut stage, Duration::ZERO, second);
    stage.connect(first);
    stage.expect(["0 Opened"]);
    stage.conn(0).abort();
    stage.expect(["0 Ended(Aborted)", "0 Opened"]);
    stage.expect_reset(first_host);
    expect_connected(stage, second_host);
}

fn a_connection_that_was_closed_connects_again_when_its_output_is_delivered<S: Stage>() {
    let mut stage = S::new(Sizes { conns: 1, ..Sizes::default() });
    let ((first, first_host), (second, second_host)) = (stage.host(), stage.host());
    always_again(&mut stage, Duration::ZERO, second);
    stage.connect(first);
    stage.expect(["0 Opened"]);
    stage.conn(0).write(b"all of it").unwrap();
    stage.conn(0).close();
    stage.expect(["0 Ended(Closed)", "0 Opened"]);
    stage.expect_heard(first_host, "all of it", Some(Ending::End));
    expect_connected(stage, second_host);
}

fn a_connection_whose_peer_has_ended_connects_again<S: Stage>() {
    let mut stage = S::new(Sizes { conns: 1, ..Sizes::default() });
    let ((first, first_host), (second, second_host)) = (stage.host(), stage.host());
    stage.react(move |app, conn, event| match event {
        ConnEvent::Eof => conn.close(),
        ConnEvent::Ended(_) => app.connect_again(conn, DELAY, second),
        _ => {}
    });
    stage.connect(first);
    stage.expect(["0 Opened"]);
    stage.finish(first_host);
    stage.expect(["0 Eof", "0 Ended(Closed)", "0 Opened"]);
    stage.expect_heard(first_host, "", Some(Ending::End));
    expect_connected(stage, second_host);
}

fn a_connection_that_waits_for_its_delay_keeps_its_place<S: Stage>() {
    let mut stage = S::new(Sizes { conns: 1, ..Sizes::default() });
    let closed = stage.closed_address();
    let (address, _) = stage.host();
    always_again(&mut stage, LONG, address);
    stage.connect(closed);
    stage.expect(["0 Ended(Failed(Refused))"]);
    assert!(stage.conn(0).is_resting());
    let (base, app) = stage.parts();
    assert_eq!(app.connect(base, address), Err(SetupError::PoolFull));
    stage.end();
}

/// Output that a connection could not send is dropped. It is not sent after the next connect.
fn a_connection_begins_anew_with_empty_rings<S: Stage>() {
    let mut stage = S::new(Sizes { conns: 1, ..Sizes::default() });
    let closed = stage.closed_address();
    let (address, host) = stage.host();
    always_again(&mut stage, DELAY, address);
    stage.connect(closed);
    stage.conn(0).write(b"never sent").unwrap();
    stage.conn(0).finish();
    stage.expect(["0 Ended(Failed(Refused))", "0 Opened"]);
    stage.expect_heard(host, "", None);
    expect_connected(stage, host);
}

fn a_connection_at_rest_connects_when_it_is_told_to<S: Stage>() {
    let mut stage = S::new(Sizes { conns: 1, ..Sizes::default() });
    let (address, host) = stage.host();
    let (base, app) = stage.parts();
    app.rest(base);
    stage.conn(0).write(b"early").unwrap();
    stage.expect([]);
    assert!(stage.conn(0).is_resting());
    stage.conn(0).connect(address).unwrap();
    stage.expect(["0 Opened", "0 written"]);
    stage.expect_heard(host, "early", None);
    assert_eq!(stage.conn(0).connect(address), Err(ConnectError::InUse));
    stage.end();
}

fn a_connection_at_rest_ends_without_a_socket<S: Stage>() {
    let mut stage = S::new(Sizes { conns: 1, ..Sizes::default() });
    for number in 0..4 {
        let (base, app) = stage.parts();
        app.rest(base);
        match number % 2 {
            0 => stage.conn(number).close(),
            _ => stage.conn(number).abort(),
        }
        let end = ["Closed", "Aborted"][number % 2];
        stage.expect([format!("{number} Ended({end})").as_str()]);
        stage.expect_conns(0);
    }
    stage.end();
}

on_every_stage! {
    a_connection_at_rest_connects_when_it_is_told_to,
    a_connection_at_rest_ends_without_a_socket,
    a_connection_that_was_refused_connects_again_after_its_delay,
    a_connection_that_was_reset_connects_again,
    a_connection_that_was_aborted_connects_again,
    a_connection_that_was_closed_connects_again_when_its_output_is_delivered,
    a_connection_whose_peer_has_ended_connects_again,
    a_connection_that_waits_for_its_delay_keeps_its_place,
    a_connection_begins_anew_with_empty_rings,
}
