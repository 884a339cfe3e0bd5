//! Scenarios for alarms. An alarm is the timer of one connection, and ends with the connection.

use std::cell::Cell;
use std::time::Duration;

use picoevent::ConnEvent;
use picoevent_conformance::{Harness, Sizes};

const SHORT: Duration = Duration::from_millis(60);

fn an_alarm_comes_once_and_not_before_its_time<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let peer = harness.accepted_peer();
    harness.conn(0).alarm_after(SHORT);
    let since = harness.base().now();
    harness.expect(["0 Alarm"]);
    assert!(harness.base().now().since(since) >= SHORT);
    harness.pass(SHORT * 2);
    harness.send(peer, b"go on");
    harness.expect(["0 read go on"]);
    harness.end();
}

fn a_periodic_alarm_comes_until_it_is_cancelled<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.accepted_peer();
    let alarms = Cell::new(0);
    harness.react(move |_, conn, event| {
        if event == ConnEvent::Alarm && alarms.replace(alarms.get() + 1) == 2 {
            assert!(conn.cancel_alarm());
        }
    });
    harness.conn(0).alarm_every(SHORT);
    let since = harness.base().now();
    harness.expect(["0 Alarm", "0 Alarm", "0 Alarm"]);
    assert!(harness.base().now().since(since) >= SHORT * 3);
    harness.pass(SHORT * 2);
    harness.expect([]);
    harness.end();
}

fn a_later_alarm_replaces_an_earlier_one<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.accepted_peer();
    harness.conn(0).alarm_after(SHORT).alarm_after(SHORT * 3);
    let since = harness.base().now();
    harness.expect(["0 Alarm"]);
    assert!(harness.base().now().since(since) >= SHORT * 3);
    harness.end();
}

fn an_alarm_ends_with_its_connection<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.accepted_peer();
    harness.conn(0).alarm_after(SHORT);
    harness.conn(0).close();
    harness.pass(SHORT * 2);
    harness.expect(["0 Ended(Closed)"]);
    harness.end();
}

fn an_alarm_does_not_wait_for_a_direction<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.app().enables_reading = false;
    harness.accepted_peer();
    harness.conn(0).alarm_after(SHORT);
    harness.expect(["0 Alarm"]);
    harness.end();
}

on_every_back_end! {
    an_alarm_comes_once_and_not_before_its_time,
    a_periodic_alarm_comes_until_it_is_cancelled,
    a_later_alarm_replaces_an_earlier_one,
    an_alarm_ends_with_its_connection,
    an_alarm_does_not_wait_for_a_direction,
}
