//! Scenarios with more clients than connection slots.

use std::time::Duration;

use picoevent::SetupError;
use picoevent_conformance::{Ending, Harness, PeerConn, Sizes};

const LONG: Duration = Duration::from_secs(3600);

/// Writes the number of a connection to its peer, and checks that the expected peer receives it.
fn expect_served<S: Harness>(harness: &mut S, number: usize, peer: PeerConn) {
    let name = format!("served by {number}");
    harness.conn(number).write(name.as_bytes()).unwrap();
    harness.expect([format!("{number} written").as_str()]);
    harness.expect_received(peer, name, None);
}

fn clients_wait_while_the_table_is_full_and_are_served_in_order<S: Harness>() {
    let mut harness = S::new(Sizes { conns: 2, ..Sizes::default() });
    let (_, address) = harness.listen();
    let peers: Vec<_> = (0..5).map(|_| harness.connect_peer(address)).collect();
    harness.expect(["0 accepted", "1 accepted"]);
    for (number, peer) in peers.iter().enumerate().take(2) {
        expect_served(&mut harness, number, *peer);
    }
    for number in 2..5 {
        // An abort frees the slot of the connection at once.
        harness.conn(number - 1).abort();
        let ended = format!("{} Ended(Aborted)", number - 1);
        harness.expect([ended.as_str(), format!("{number} accepted").as_str()]);
        harness.expect_reset(peers[number - 1]);
        expect_served(&mut harness, number, peers[number]);
    }
    harness.end();
}

fn what_a_waiting_client_sends_is_not_lost<S: Harness>() {
    let mut harness = S::new(Sizes { conns: 1, ..Sizes::default() });
    let (_, address) = harness.listen();
    let first = harness.connect_peer(address);
    harness.expect(["0 accepted"]);
    let second = harness.connect_peer(address);
    harness.send(second, b"early");
    harness.finish(second);
    harness.expect([]);
    harness.finish(first);
    harness.expect(["0 Eof"]);
    harness.conn(0).close();
    harness.expect(["0 Ended(Closed)", "1 accepted", "1 read early", "1 Eof"]);
    expect_served(&mut harness, 1, second);
    harness.end();
}

fn a_connect_is_refused_while_the_table_is_full<S: Harness>() {
    let mut harness = S::new(Sizes { conns: 1, ..Sizes::default() });
    harness.accepted_peer();
    let (address, _) = harness.listening_peer();
    let (base, app) = harness.parts();
    assert_eq!(app.connect(base, address), Err(SetupError::PoolFull));
    harness.conn(0).abort();
    harness.expect(["0 Ended(Aborted)"]);
    harness.expect_conns(0);
    harness.connect(address);
    harness.expect(["1 Opened"]);
    harness.end();
}

fn a_lingering_connection_gives_its_slot_to_a_new_client<S: Harness>() {
    let mut harness = S::new(Sizes { conns: 1, ..Sizes::default() });
    harness.base().set_close_limits(LONG, LONG);
    let (_, address) = harness.listen();
    let first = harness.connect_peer(address);
    harness.expect(["0 accepted"]);
    harness.conn(0).write(b"all of it").unwrap();
    harness.conn(0).close();
    harness.expect(["0 Ended(Closed)"]);
    harness.expect_received(first, "all of it", Some(Ending::End));
    assert_eq!(harness.base().counts().conns, 1);
    let second = harness.connect_peer(address);
    harness.expect(["1 accepted"]);
    expect_served(&mut harness, 1, second);
    // The peer of the first connection has not lost anything.
    harness.expect_received(first, "all of it", Some(Ending::End));
    harness.end();
}

fn a_lingering_connection_gives_its_slot_to_a_connect<S: Harness>() {
    let mut harness = S::new(Sizes { conns: 1, ..Sizes::default() });
    harness.base().set_close_limits(LONG, LONG);
    let first = harness.accepted_peer();
    harness.conn(0).close();
    harness.expect(["0 Ended(Closed)"]);
    harness.expect_received(first, "", Some(Ending::End));
    let (address, host) = harness.listening_peer();
    harness.connect(address);
    harness.expect(["1 Opened"]);
    expect_served(&mut harness, 1, host);
    harness.end();
}

fn the_connection_that_lingers_longest_loses_its_slot_first<S: Harness>() {
    let mut harness = S::new(Sizes { conns: 2, ..Sizes::default() });
    harness.base().set_close_limits(LONG, LONG);
    let (_, address) = harness.listen();
    let first = harness.connect_peer(address);
    harness.expect(["0 accepted"]);
    let second = harness.connect_peer(address);
    harness.expect(["1 accepted"]);
    harness.conn(1).close();
    harness.expect(["1 Ended(Closed)"]);
    harness.expect_received(second, "", Some(Ending::End));
    harness.conn(0).close();
    harness.expect(["0 Ended(Closed)"]);
    harness.expect_received(first, "", Some(Ending::End));
    let evicted = harness.app().conns[1].index();
    harness.connect_peer(address);
    harness.expect(["2 accepted"]);
    assert_eq!(harness.app().conns[2].index(), evicted);
    harness.finish(first);
    harness.expect_conns(1);
    harness.end();
}

fn a_closed_connection_with_output_left_keeps_its_slot<S: Harness>() {
    let mut harness = S::new(Sizes { conns: 1, ring: 8192, ..Sizes::default() });
    let limit = Duration::from_millis(100);
    harness.base().set_close_limits(limit, LONG);
    let (_, address) = harness.listen();
    let stuck = harness.connect_peer_unread(address, 512);
    harness.expect(["0 accepted"]);
    harness.flood(0);
    harness.react(|_, _, _| {});
    let second = harness.connect_peer(address);
    harness.step();
    harness.conn(0).close();
    let since = harness.base().now();
    harness.expect(["0 Ended(Closed)", "1 accepted"]);
    assert!(harness.base().now().since(since) >= limit, "the slot was taken too early");
    harness.read(stuck);
    harness.expect_reset(stuck);
    harness.conn(1).write(b"at last").unwrap();
    harness.expect_received(second, "at last", None);
    harness.end();
}

on_every_back_end! {
    clients_wait_while_the_table_is_full_and_are_served_in_order,
    what_a_waiting_client_sends_is_not_lost,
    a_connect_is_refused_while_the_table_is_full,
    a_lingering_connection_gives_its_slot_to_a_new_client,
    a_lingering_connection_gives_its_slot_to_a_connect,
    the_connection_that_lingers_longest_loses_its_slot_first,
    a_closed_connection_with_output_left_keeps_its_slot,
}
