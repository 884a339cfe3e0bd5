//! Scenarios for the read timeout, the write timeout and the connect timeout of connections.

use std::time::Duration;

use picoevent::{ConnEvent, Direction};
use picoevent_conformance::{Ending, Harness, Sizes};

const TIMEOUT: Option<Duration> = Some(Duration::from_millis(60));

fn a_silent_peer_is_reported_after_the_read_timeout<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let peer = harness.accepted_peer();
    harness.conn(0).set_timeouts(TIMEOUT, None);
    let since = harness.base().now();
    harness.expect(["0 Timeout(Read)"]);
    assert!(harness.base().now().since(since) >= TIMEOUT.unwrap());
    // Reading is disabled now, and the timeout does not come again.
    assert!(!harness.conn(0).is_enabled(Direction::Read));
    harness.send(peer, b"too late");
    harness.pass(TIMEOUT.unwrap() * 2);
    harness.expect([]);
    harness.conn(0).set_timeouts(None, None).enable(Direction::Read);
    harness.expect(["0 read too late"]);
    harness.end();
}

fn input_restarts_the_read_timeout<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let peer = harness.accepted_peer();
    harness.conn(0).set_timeouts(Some(Duration::from_secs(3600)), None);
    harness.step();
    harness.react(|_, conn, event| {
        // The timeout counts from the time of the input, and not from the call of `set_timeouts`.
        if event == ConnEvent::Readable {
            conn.set_timeouts(TIMEOUT, None);
        }
    });
    harness.pass(TIMEOUT.unwrap());
    harness.send(peer, b"hello");
    let since = harness.base().now();
    harness.expect(["0 read hello", "0 Timeout(Read)"]);
    assert!(harness.base().now().since(since) >= TIMEOUT.unwrap());
    harness.end();
}

fn a_read_timeout_does_not_count_while_reading_is_disabled<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.accepted_peer();
    harness.conn(0).disable(Direction::Read).set_timeouts(TIMEOUT, None);
    harness.pass(TIMEOUT.unwrap() * 2);
    harness.expect([]);
    harness.conn(0).enable(Direction::Read);
    harness.expect(["0 Timeout(Read)"]);
    harness.end();
}

fn a_peer_that_does_not_read_is_reported_after_the_write_timeout<S: Harness>() {
    let mut harness = S::new(Sizes { ring: 8192, ..Sizes::default() });
    let (_, address) = harness.listen();
    let peer = harness.connect_peer_unread(address, 512);
    harness.expect(["0 accepted"]);
    harness.flood(0);
    harness.conn(0).set_timeouts(None, TIMEOUT);
    harness.expect(["0 Timeout(Write)"]);
    // The output is still in the ring.
    assert!(harness.conn(0).output_len() > 0);
    harness.read(peer);
    harness.react(|_, _, _| {});
    harness.conn(0).set_timeouts(None, None).enable(Direction::Write);
    let flooded = harness.app().flooded;
    assert!(harness.until(|harness| harness.received(peer).bytes.len() == flooded));
    harness.conn(0).close();
    harness.expect(["0 Ended(Closed)"]);
    harness.until(|harness| harness.received(peer).ending.is_some());
    assert_eq!(harness.received(peer).ending, Some(Ending::End));
    harness.end();
}

fn a_write_timeout_does_not_count_without_output<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let peer = harness.accepted_peer();
    harness.conn(0).set_timeouts(None, TIMEOUT).write(b"sent at once").unwrap();
    harness.expect(["0 written"]);
    harness.pass(TIMEOUT.unwrap() * 2);
    harness.expect([]);
    harness.expect_received(peer, "sent at once", None);
    harness.end();
}

fn a_connect_without_an_answer_is_reported_after_the_write_timeout<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let address = harness.silent_address();
    harness.connect(address);
    harness.conn(0).set_timeouts(None, TIMEOUT);
    harness.expect(["0 Timeout(Write)"]);
    harness.conn(0).close();
    harness.expect(["0 Ended(Closed)"]);
    harness.expect_conns(0);
    harness.end();
}

fn both_directions_time_out_reading_first<S: Harness>() {
    let mut harness = S::new(Sizes { ring: 8192, ..Sizes::default() });
    let (_, address) = harness.listen();
    harness.connect_peer_unread(address, 512);
    harness.expect(["0 accepted"]);
    harness.flood(0);
    harness.conn(0).set_timeouts(TIMEOUT, TIMEOUT);
    harness.expect(["0 Timeout(Read)", "0 Timeout(Write)"]);
    harness.end();
}

on_every_back_end! {
    a_silent_peer_is_reported_after_the_read_timeout,
    input_restarts_the_read_timeout,
    a_read_timeout_does_not_count_while_reading_is_disabled,
    a_peer_that_does_not_read_is_reported_after_the_write_timeout,
    a_write_timeout_does_not_count_without_output,
    a_connect_without_an_answer_is_reported_after_the_write_timeout,
    both_directions_time_out_reading_first,
}
