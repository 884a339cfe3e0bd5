//! Timeouts of connections: of reading, of writing and of a connect.

use std::time::Duration;

use picoevent::{ConnEvent, Direction};
use picoevent_conformance::{Ending, Sizes, Stage};

const TIMEOUT: Option<Duration> = Some(Duration::from_millis(60));

fn a_silent_peer_is_reported_after_the_read_timeout<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let call = stage.accepted_call();
    stage.conn(0).set_timeouts(TIMEOUT, None);
    let since = stage.base().now();
    stage.expect(["0 Timeout(Read)"]);
    assert!(stage.base().now().since(since) >= TIMEOUT.unwrap());
    // Reading is disabled now, and the timeout does not come again.
    assert!(!stage.conn(0).is_enabled(Direction::Read));
    stage.send(call, b"too late");
    stage.pass(TIMEOUT.unwrap() * 2);
    stage.expect([]);
    stage.conn(0).set_timeouts(None, None).enable(Direction::Read);
    stage.expect(["0 read too late"]);
    stage.end();
}

fn input_begins_the_read_timeout_again<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let call = stage.accepted_call();
    stage.conn(0).set_timeouts(Some(Duration::from_secs(3600)), None);
    stage.step();
    stage.react(|_, conn, event| {
        // The timeout counts from the time of the input, and not from the time at which it was set.
        if event == ConnEvent::Readable {
            conn.set_timeouts(TIMEOUT, None);
        }
    });
    stage.pass(TIMEOUT.unwrap());
    stage.send(call, b"hello");
    let since = stage.base().now();
    stage.expect(["0 read hello", "0 Timeout(Read)"]);
    assert!(stage.base().now().since(since) >= TIMEOUT.unwrap());
    stage.end();
}

fn a_read_timeout_does_not_count_while_reading_is_disabled<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.accepted_call();
    stage.conn(0).disable(Direction::Read).set_timeouts(TIMEOUT, None);
    stage.pass(TIMEOUT.unwrap() * 2);
    stage.expect([]);
    stage.conn(0).enable(Direction::Read);
    stage.expect(["0 Timeout(Read)"]);
    stage.end();
}

fn a_peer_that_does_not_read_is_reported_after_the_write_timeout<S: Stage>() {
    let mut stage = S::new(Sizes { ring: 8192, ..Sizes::default() });
    let (_, address) = stage.listen();
    let call = stage.call_unread(address, 512);
    stage.expect(["0 accepted"]);
    stage.flood(0);
    stage.conn(0).set_timeouts(None, TIMEOUT);
    stage.expect(["0 Timeout(Write)"]);
    // The output is still in the ring.
    assert!(stage.conn(0).output_len() > 0);
    stage.read(call);
    stage.react(|_, _, _| {});
    stage.conn(0).set_timeouts(None, None).enable(Direction::Write);
    let flooded = stage.app().flooded;
    assert!(stage.until(|stage| stage.heard(call).bytes.len() == flooded));
    stage.conn(0).close();
    stage.expect(["0 Ended(Closed)"]);
    stage.until(|stage| stage.heard(call).ending.is_some());
    assert_eq!(stage.heard(call).ending, Some(Ending::End));
    stage.end();
}

fn a_write_timeout_does_not_count_without_output<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let call = stage.accepted_call();
    stage.conn(0).set_timeouts(None, TIMEOUT).write(b"sent at once").unwrap();
    stage.expect(["0 written"]);
    stage.pass(TIMEOUT.unwrap() * 2);
    stage.expect([]);
    stage.expect_heard(call, "sent at once", None);
    stage.end();
}

fn a_connect_without_an_answer_is_reported_after_the_write_timeout<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let address = stage.silent_address();
    stage.connect(address);
    stage.conn(0).set_timeouts(None, TIMEOUT);
    stage.expect(["0 Timeout(Write)"]);
    stage.conn(0).close();
    stage.expect(["0 Ended(Closed)"]);
    stage.expect_conns(0);
    stage.end();
}

fn both_directions_time_out_reading_first<S: Stage>() {
    let mut stage = S::new(Sizes { ring: 8192, ..Sizes::default() });
    let (_, address) = stage.listen();
    stage.call_unread(address, 512);
    stage.expect(["0 accepted"]);
    stage.flood(0);
    stage.conn(0).set_timeouts(TIMEOUT, TIMEOUT);
    stage.expect(["0 Timeout(Read)", "0 Timeout(Write)"]);
    stage.end();
}

on_every_stage! {
    a_silent_peer_is_reported_after_the_read_timeout,
    input_begins_the_read_timeout_again,
    a_read_timeout_does_not_count_while_reading_is_disabled,
    a_peer_that_does_not_read_is_reported_after_the_write_timeout,
    a_write_timeout_does_not_count_without_output,
    a_connect_without_an_answer_is_reported_after_the_write_timeout,
    both_directions_time_out_reading_first,
}
