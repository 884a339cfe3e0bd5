//! The time limits of closed connections.

use std::time::Duration;

use picoevent_conformance::{Call, Ending, Sizes, Stage, pattern};

const SHORT: Duration = Duration::from_millis(60);
const LONG: Duration = Duration::from_secs(3600);

/// Closes a connection, and waits until its slot is free. Returns how long that took.
fn time_of_close<S: Stage>(stage: &mut S) -> Duration {
    stage.step();
    stage.conn(0).close();
    let since = stage.base().now();
    stage.expect_conns(0);
    let time = stage.base().now().since(since);
    stage.expect(["0 Ended(Closed)"]);
    time
}

/// Makes a connection that cannot deliver its output.
fn stuck<S: Stage>(stage: &mut S) -> Call {
    let (_, address) = stage.listen();
    let call = stage.call_unread(address, 512);
    stage.expect(["0 accepted"]);
    stage.flood(0);
    call
}

fn a_peer_that_never_ends_its_stream_is_dropped<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.base().set_close_limits(LONG, SHORT);
    let call = stage.accepted_call();
    let time = time_of_close(&mut stage);
    assert!(time >= SHORT, "it was dropped after {time:?}");
    stage.expect_heard(call, "", Some(Ending::End));
    stage.end();
}

fn a_peer_that_never_reads_is_reset<S: Stage>() {
    let mut stage = S::new(Sizes { ring: 8192, ..Sizes::default() });
    stage.base().set_close_limits(SHORT, LONG);
    let call = stuck(&mut stage);
    let time = time_of_close(&mut stage);
    assert!(time >= SHORT, "it was reset after {time:?}");
    stage.read(call);
    stage.expect_reset(call);
    stage.end();
}

fn a_peer_that_never_reads_is_reset_when_all_is_closed<S: Stage>() {
    let mut stage = S::new(Sizes { ring: 8192, ..Sizes::default() });
    stage.base().set_close_limits(SHORT, LONG);
    let call = stuck(&mut stage);
    let since = stage.base().now();
    stage.close_all();
    // No callback runs meanwhile. The next run of the loop calls it.
    assert_eq!(stage.app().log, [""; 0]);
    assert!(stage.base().now().since(since) >= SHORT);
    stage.read(call);
    stage.expect_reset(call);
    stage.expect(["0 Ended(Closed)"]);
    assert_eq!(stage.base().counts().conns, 0);
    stage.end();
}

fn the_limits_are_those_of_the_time_of_the_close<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.base().set_close_limits(LONG, LONG);
    let call = stage.accepted_call();
    stage.conn(0).close();
    stage.expect(["0 Ended(Closed)"]);
    stage.expect_heard(call, "", Some(Ending::End));
    stage.base().set_close_limits(LONG, SHORT);
    stage.pass(SHORT * 2);
    // Once a connection lingers, its limit does not change.
    assert_eq!(stage.base().counts().conns, 1);
    stage.finish(call);
    stage.expect_conns(0);
    stage.end();
}

/// The system may hold output that the base has sent. The output is not delivered before the peer has received it.
fn the_wait_for_the_peers_end_does_not_cut_off_output<S: Stage>() {
    let mut stage = S::new(Sizes { ring: 8192, ..Sizes::default() });
    stage.base().set_close_limits(LONG, SHORT);
    let (_, address) = stage.listen();
    let call = stage.call_unread(address, 512);
    stage.expect(["0 accepted"]);
    stage.conn(0).write(&pattern(0, 8192)).unwrap();
    stage.conn(0).close();
    stage.pass(SHORT * 2);
    stage.expect(["0 Ended(Closed)"]);
    stage.read(call);
    assert!(stage.until(|stage| stage.heard(call).ending.is_some()));
    assert!(stage.heard(call).bytes == pattern(0, 8192), "output is missing");
    assert_eq!(stage.heard(call).ending, Some(Ending::End));
    stage.expect_conns(0);
    stage.end();
}

/// Otherwise the loop of a server could not end while there are peers that never end their streams.
fn a_loop_without_listeners_ends_when_the_last_limit_has_passed<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.base().set_close_limits(LONG, SHORT);
    let (listener, address) = stage.listen();
    let calls = [stage.call(address), stage.call(address)];
    stage.expect(["0 accepted", "1 accepted"]);
    stage.conn(0).close();
    stage.conn(1).close();
    stage.base().listener(listener).unwrap().free();
    assert_eq!(stage.run(picoevent::Run::DEFAULT), picoevent::End::Empty);
    assert_eq!(core::mem::take(&mut stage.app().log), ["0 Ended(Closed)", "1 Ended(Closed)"]);
    assert_eq!(stage.base().counts().conns, 0);
    for call in calls {
        stage.expect_heard(call, "", Some(Ending::End));
    }
    stage.end();
}

on_every_stage! {
    a_peer_that_never_ends_its_stream_is_dropped,
    a_peer_that_never_reads_is_reset,
    a_peer_that_never_reads_is_reset_when_all_is_closed,
    the_limits_are_those_of_the_time_of_the_close,
    the_wait_for_the_peers_end_does_not_cut_off_output,
    a_loop_without_listeners_ends_when_the_last_limit_has_passed,
}
