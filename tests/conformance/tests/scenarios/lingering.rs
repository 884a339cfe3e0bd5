//! The time limits of closed connections.

use std::time::Duration;

use picoevent_conformance::{Ending, Harness, PeerConn, Sizes, pattern};

const SHORT: Duration = Duration::from_millis(60);
const LONG: Duration = Duration::from_secs(3600);

/// Closes a connection, and waits until its slot is free. Returns the time from the close until the slot is free.
fn time_until_closed<S: Harness>(harness: &mut S) -> Duration {
    harness.step();
    harness.conn(0).close();
    let since = harness.base().now();
    harness.expect_conns(0);
    let time = harness.base().now().since(since);
    harness.expect(["0 Ended(Closed)"]);
    time
}

/// Makes a connection that cannot deliver its output.
fn with_unread_output<S: Harness>(harness: &mut S) -> PeerConn {
    let (_, address) = harness.listen();
    let peer = harness.connect_peer_unread(address, 512);
    harness.expect(["0 accepted"]);
    harness.flood(0);
    peer
}

fn a_peer_that_never_ends_its_stream_is_dropped<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.base().set_close_limits(LONG, SHORT);
    let peer = harness.accepted_peer();
    let time = time_until_closed(&mut harness);
    assert!(time >= SHORT, "it was dropped after {time:?}");
    harness.expect_received(peer, "", Some(Ending::End));
    harness.end();
}

fn a_peer_that_never_reads_is_reset<S: Harness>() {
    let mut harness = S::new(Sizes { ring: 8192, ..Sizes::default() });
    harness.base().set_close_limits(SHORT, LONG);
    let peer = with_unread_output(&mut harness);
    let time = time_until_closed(&mut harness);
    assert!(time >= SHORT, "it was reset after {time:?}");
    harness.read(peer);
    harness.expect_reset(peer);
    harness.end();
}

fn a_peer_that_never_reads_is_reset_when_all_connections_are_closed<S: Harness>() {
    let mut harness = S::new(Sizes { ring: 8192, ..Sizes::default() });
    harness.base().set_close_limits(SHORT, LONG);
    let peer = with_unread_output(&mut harness);
    let since = harness.base().now();
    harness.close_all();
    // No callback runs in `close_all`. The end of the connection is reported in the next run of the loop.
    assert_eq!(harness.app().log, [""; 0]);
    assert!(harness.base().now().since(since) >= SHORT);
    harness.read(peer);
    harness.expect_reset(peer);
    harness.expect(["0 Ended(Closed)"]);
    assert_eq!(harness.base().counts().conns, 0);
    harness.end();
}

fn a_limit_that_is_set_after_the_close_does_not_apply<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.base().set_close_limits(LONG, LONG);
    let peer = harness.accepted_peer();
    harness.conn(0).close();
    harness.expect(["0 Ended(Closed)"]);
    harness.expect_received(peer, "", Some(Ending::End));
    harness.base().set_close_limits(LONG, SHORT);
    harness.pass(SHORT * 2);
    // The connection already lingers, so the new limit of the base does not apply to it.
    assert_eq!(harness.base().counts().conns, 1);
    harness.finish(peer);
    harness.expect_conns(0);
    harness.end();
}

/// The system may still hold output that the base has sent. The base must first wait until the peer has received this
/// output. Only after that, it may wait for the peer's end of stream, because the wait for the peer's end of stream has
/// the short limit.
fn the_wait_for_the_peers_end_does_not_cut_off_output<S: Harness>() {
    let mut harness = S::new(Sizes { ring: 8192, ..Sizes::default() });
    harness.base().set_close_limits(LONG, SHORT);
    let (_, address) = harness.listen();
    let peer = harness.connect_peer_unread(address, 512);
    harness.expect(["0 accepted"]);
    harness.conn(0).write(&pattern(0, 8192)).unwrap();
    harness.conn(0).close();
    harness.pass(SHORT * 2);
    harness.expect(["0 Ended(Closed)"]);
    harness.read(peer);
    assert!(harness.until(|harness| harness.received(peer).ending.is_some()));
    assert!(harness.received(peer).bytes == pattern(0, 8192), "output is missing");
    assert_eq!(harness.received(peer).ending, Some(Ending::End));
    harness.expect_conns(0);
    harness.end();
}

/// The limit of a closed connection must end the wait for its peer. Without this limit, a peer that never ends its
/// stream would keep the loop running.
fn a_loop_without_listeners_ends_when_the_last_limit_has_passed<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.base().set_close_limits(LONG, SHORT);
    let (listener, address) = harness.listen();
    let peers = [harness.connect_peer(address), harness.connect_peer(address)];
    harness.expect(["0 accepted", "1 accepted"]);
    harness.conn(0).close();
    harness.conn(1).close();
    harness.base().listener(listener).unwrap().free();
    assert_eq!(harness.run(picoevent::Run::DEFAULT), picoevent::End::Empty);
    assert_eq!(core::mem::take(&mut harness.app().log), ["0 Ended(Closed)", "1 Ended(Closed)"]);
    assert_eq!(harness.base().counts().conns, 0);
    for peer in peers {
        harness.expect_received(peer, "", Some(Ending::End));
    }
    harness.end();
}

on_every_back_end! {
    a_peer_that_never_ends_its_stream_is_dropped,
    a_peer_that_never_reads_is_reset,
    a_peer_that_never_reads_is_reset_when_all_connections_are_closed,
    a_limit_that_is_set_after_the_close_does_not_apply,
    the_wait_for_the_peers_end_does_not_cut_off_output,
    a_loop_without_listeners_ends_when_the_last_limit_has_passed,
}
