//! Alarms: an alarm is the timer of one connection, and ends with the connection.

use std::cell::Cell;
use std::time::Duration;

use picoevent::ConnEvent;
use picoevent_conformance::{Sizes, Stage};

const SHORT: Duration = Duration::from_millis(60);

fn an_alarm_comes_once_and_not_before_its_time<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let call = stage.accepted_call();
    stage.conn(0).alarm_after(SHORT);
    let since = stage.base().now();
    stage.expect(["0 Alarm"]);
    assert!(stage.base().now().since(since) >= SHORT);
    stage.pass(SHORT * 2);
    stage.send(call, b"go on");
    stage.expect(["0 read go on"]);
    stage.end();
}

fn a_periodic_alarm_comes_until_it_is_cancelled<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.accepted_call();
    let alarms = Cell::new(0);
    stage.react(move |_, conn, event| {
        if event == ConnEvent::Alarm && alarms.replace(alarms.get() + 1) == 2 {
            assert!(conn.cancel_alarm());
        }
    });
    stage.conn(0).alarm_every(SHORT);
    let since = stage.base().now();
    stage.expect(["0 Alarm", "0 Alarm", "0 Alarm"]);
    assert!(stage.base().now().since(since) >= SHORT * 3);
    stage.pass(SHORT * 2);
    stage.expect([]);
    stage.end();
}

fn a_later_alarm_replaces_an_earlier_one<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.accepted_call();
    stage.conn(0).alarm_after(SHORT).alarm_after(SHORT * 3);
    let since = stage.base().now();
    stage.expect(["0 Alarm"]);
    assert!(stage.base().now().since(since) >= SHORT * 3);
    stage.end();
}

fn an_alarm_ends_with_its_connection<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.accepted_call();
    stage.conn(0).alarm_after(SHORT);
    stage.conn(0).close();
    stage.pass(SHORT * 2);
    stage.expect(["0 Ended(Closed)"]);
    stage.end();
}

fn an_alarm_does_not_wait_for_a_direction<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.app().reads = false;
    stage.accepted_call();
    stage.conn(0).alarm_after(SHORT);
    stage.expect(["0 Alarm"]);
    stage.end();
}

on_every_stage! {
    an_alarm_comes_once_and_not_before_its_time,
    a_periodic_alarm_comes_until_it_is_cancelled,
    a_later_alarm_replaces_an_earlier_one,
    an_alarm_ends_with_its_connection,
    an_alarm_does_not_wait_for_a_direction,
}
