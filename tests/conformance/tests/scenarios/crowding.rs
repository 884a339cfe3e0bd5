//! More clients than the table of connections has room for.

use std::time::Duration;

use picoevent::SetupError;
use picoevent_conformance::{Call, Ending, Sizes, Stage};

const LONG: Duration = Duration::from_secs(3600);

/// Writes the number of a connection to its peer, and checks that the expected peer receives it.
fn expect_served<S: Stage>(stage: &mut S, number: usize, call: Call) {
    let name = format!("served by {number}");
    stage.conn(number).write(name.as_bytes()).unwrap();
    stage.expect([format!("{number} written").as_str()]);
    stage.expect_heard(call, name, None);
}

fn clients_wait_while_the_table_is_full_and_are_served_in_order<S: Stage>() {
    let mut stage = S::new(Sizes { conns: 2, ..Sizes::default() });
    let (_, address) = stage.listen();
    let calls: Vec<_> = (0..5).map(|_| stage.call(address)).collect();
    stage.expect(["0 accepted", "1 accepted"]);
    for (number, call) in calls.iter().enumerate().take(2) {
        expect_served(&mut stage, number, *call);
    }
    for number in 2..5 {
        // The connection is aborted, so that its slot is free at once.
        stage.conn(number - 1).abort();
        let ended = format!("{} Ended(Aborted)", number - 1);
        stage.expect([ended.as_str(), format!("{number} accepted").as_str()]);
        stage.expect_reset(calls[number - 1]);
        expect_served(&mut stage, number, calls[number]);
    }
    stage.end();
}

fn what_a_waiting_client_sends_is_not_lost<S: Stage>() {
    let mut stage = S::new(Sizes { conns: 1, ..Sizes::default() });
    let (_, address) = stage.listen();
    let first = stage.call(address);
    stage.expect(["0 accepted"]);
    let second = stage.call(address);
    stage.send(second, b"early");
    stage.finish(second);
    stage.expect([]);
    stage.finish(first);
    stage.expect(["0 Eof"]);
    stage.conn(0).close();
    stage.expect(["0 Ended(Closed)", "1 accepted", "1 read early", "1 Eof"]);
    expect_served(&mut stage, 1, second);
    stage.end();
}

fn a_connect_is_refused_while_the_table_is_full<S: Stage>() {
    let mut stage = S::new(Sizes { conns: 1, ..Sizes::default() });
    stage.accepted_call();
    let (address, _) = stage.host();
    let (base, app) = stage.parts();
    assert_eq!(app.connect(base, address), Err(SetupError::PoolFull));
    stage.conn(0).abort();
    stage.expect(["0 Ended(Aborted)"]);
    stage.expect_conns(0);
    stage.connect(address);
    stage.expect(["1 Opened"]);
    stage.end();
}

fn a_lingering_connection_gives_its_slot_to_a_new_client<S: Stage>() {
    let mut stage = S::new(Sizes { conns: 1, ..Sizes::default() });
    stage.base().set_close_limits(LONG, LONG);
    let (_, address) = stage.listen();
    let first = stage.call(address);
    stage.expect(["0 accepted"]);
    stage.conn(0).write(b"all of it").unwrap();
    stage.conn(0).close();
    stage.expect(["0 Ended(Closed)"]);
    stage.expect_heard(first, "all of it", Some(Ending::End));
    assert_eq!(stage.base().counts().conns, 1);
    let second = stage.call(address);
    stage.expect(["1 accepted"]);
    expect_served(&mut stage, 1, second);
    // The peer of the first connection has not lost anything.
    stage.expect_heard(first, "all of it", Some(Ending::End));
    stage.end();
}

fn a_lingering_connection_gives_its_slot_to_a_connect<S: Stage>() {
    let mut stage = S::new(Sizes { conns: 1, ..Sizes::default() });
    stage.base().set_close_limits(LONG, LONG);
    let first = stage.accepted_call();
    stage.conn(0).close();
    stage.expect(["0 Ended(Closed)"]);
    stage.expect_heard(first, "", Some(Ending::End));
    let (address, host) = stage.host();
    stage.connect(address);
    stage.expect(["1 Opened"]);
    expect_served(&mut stage, 1, host);
    stage.end();
}

fn the_connection_that_lingers_longest_is_given_up_first<S: Stage>() {
    let mut stage = S::new(Sizes { conns: 2, ..Sizes::default() });
    stage.base().set_close_limits(LONG, LONG);
    let (_, address) = stage.listen();
    let first = stage.call(address);
    stage.expect(["0 accepted"]);
    let second = stage.call(address);
    stage.expect(["1 accepted"]);
    stage.conn(1).close();
    stage.expect(["1 Ended(Closed)"]);
    stage.expect_heard(second, "", Some(Ending::End));
    stage.conn(0).close();
    stage.expect(["0 Ended(Closed)"]);
    stage.expect_heard(first, "", Some(Ending::End));
    let evicted = stage.app().conns[1].index();
    stage.call(address);
    stage.expect(["2 accepted"]);
    assert_eq!(stage.app().conns[2].index(), evicted);
    stage.finish(first);
    stage.expect_conns(1);
    stage.end();
}

fn a_closed_connection_with_output_left_keeps_its_slot<S: Stage>() {
    let mut stage = S::new(Sizes { conns: 1, ring: 8192, ..Sizes::default() });
    let limit = Duration::from_millis(100);
    stage.base().set_close_limits(limit, LONG);
    let (_, address) = stage.listen();
    let stuck = stage.call_unread(address, 512);
    stage.expect(["0 accepted"]);
    stage.flood(0);
    stage.react(|_, _, _| {});
    let second = stage.call(address);
    stage.step();
    stage.conn(0).close();
    let since = stage.base().now();
    stage.expect(["0 Ended(Closed)", "1 accepted"]);
    assert!(stage.base().now().since(since) >= limit, "the slot was taken too early");
    stage.read(stuck);
    stage.expect_reset(stuck);
    stage.conn(1).write(b"at last").unwrap();
    stage.expect_heard(second, "at last", None);
    stage.end();
}

on_every_stage! {
    clients_wait_while_the_table_is_full_and_are_served_in_order,
    what_a_waiting_client_sends_is_not_lost,
    a_connect_is_refused_while_the_table_is_full,
    a_lingering_connection_gives_its_slot_to_a_new_client,
    a_lingering_connection_gives_its_slot_to_a_connect,
    the_connection_that_lingers_longest_is_given_up_first,
    a_closed_connection_with_output_left_keeps_its_slot,
}
