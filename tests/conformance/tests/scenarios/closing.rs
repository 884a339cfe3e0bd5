//! Scenarios for closing and aborting. They check what the peer receives, and how the stream ends for the peer.

use std::time::Duration;

use picoevent::ConnEvent;
use picoevent_conformance::{Ending, Harness, Sizes, pattern};

const LONG: Duration = Duration::from_secs(3600);

/// The receive window of a peer that does not read.
const NARROW: usize = 512;

/// The size of rings that are large enough to fill the system's buffers in a few hundred iterations.
const LARGE: usize = 8192;

fn a_closed_connection_ends_for_the_peer<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.base().set_close_limits(LONG, LONG);
    let peer = harness.accepted_peer();
    harness.conn(0).close();
    harness.expect(["0 Ended(Closed)"]);
    assert!(harness.base().counts().conns == 1, "it waits for its peer's end");
    harness.expect_received(peer, "", Some(Ending::End));
    harness.finish(peer);
    harness.expect_conns(0);
    harness.end();
}

fn output_that_is_pending_at_the_close_arrives<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.react(|_, conn, event| {
        if event == ConnEvent::Opened {
            conn.write(b"goodbye").unwrap();
            conn.close();
        }
    });
    let (_, address) = harness.listen();
    let peer = harness.connect_peer(address);
    harness.expect(["0 accepted", "0 Ended(Closed)"]);
    harness.expect_received(peer, "goodbye", Some(Ending::End));
    harness.end();
}

fn all_output_arrives_at_a_peer_that_reads_after_the_close<S: Harness>() {
    let mut harness = S::new(Sizes { ring: LARGE, ..Sizes::default() });
    let (_, address) = harness.listen();
    let peer = harness.connect_peer_unread(address, NARROW);
    harness.expect(["0 accepted"]);
    harness.flood(0);
    harness.conn(0).close();
    harness.expect(["0 Ended(Closed)"]);
    harness.read(peer);
    let flooded = harness.app().flooded;
    assert!(harness.until(|harness| harness.received(peer).ending.is_some()));
    assert!(harness.received(peer).bytes == pattern(0, flooded), "something else has arrived");
    assert_eq!(harness.received(peer).ending, Some(Ending::End));
    harness.finish(peer);
    harness.expect_conns(0);
    harness.end();
}

fn output_arrives_although_writing_is_disabled_at_the_close<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let peer = harness.accepted_peer();
    harness.conn(0).disable(picoevent::Direction::Write).write(b"held").unwrap();
    harness.expect_received(peer, "", None);
    harness.conn(0).close();
    harness.expect(["0 Ended(Closed)"]);
    harness.expect_received(peer, "held", Some(Ending::End));
    harness.end();
}

fn input_that_is_not_read_does_not_turn_a_close_into_a_reset<S: Harness>() {
    let mut harness = S::new(Sizes { ring: 16, ..Sizes::default() });
    harness.base().set_close_limits(LONG, LONG);
    harness.app().enables_reading = false;
    let peer = harness.accepted_peer();
    harness.send(peer, &[b'x'; 200]);
    harness.expect([]);
    harness.conn(0).write(b"thank you").unwrap();
    harness.conn(0).close();
    harness.send(peer, &[b'y'; 200]);
    harness.expect(["0 Ended(Closed)"]);
    harness.expect_received(peer, "thank you", Some(Ending::End));
    harness.send(peer, &[b'z'; 200]);
    harness.finish(peer);
    harness.expect_conns(0);
    harness.expect_received(peer, "thank you", Some(Ending::End));
    harness.end();
}

fn an_aborted_connection_is_reset<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let peer = harness.accepted_peer();
    harness.conn(0).abort();
    harness.expect(["0 Ended(Aborted)"]);
    harness.expect_conns(0);
    harness.expect_reset(peer);
    harness.end();
}

fn an_aborted_connection_with_output_is_reset<S: Harness>() {
    let mut harness = S::new(Sizes { ring: LARGE, ..Sizes::default() });
    let (_, address) = harness.listen();
    let peer = harness.connect_peer_unread(address, NARROW);
    harness.expect(["0 accepted"]);
    harness.flood(0);
    harness.conn(0).abort();
    harness.expect(["0 Ended(Aborted)"]);
    harness.expect_conns(0);
    harness.read(peer);
    harness.expect_reset(peer);
    harness.end();
}

fn an_aborted_connection_whose_peer_has_ended_ends_in_order<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let peer = harness.accepted_peer();
    harness.conn(0).write(b"whole").unwrap();
    harness.finish(peer);
    harness.expect(["0 written", "0 Eof"]);
    harness.conn(0).abort();
    harness.expect(["0 Ended(Aborted)"]);
    harness.expect_received(peer, "whole", Some(Ending::End));
    harness.expect_conns(0);
    harness.end();
}

fn connections_end_in_any_order<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let (_, address) = harness.listen();
    let mut peers = Vec::new();
    for accepted in ["0 accepted", "1 accepted", "2 accepted"] {
        peers.push(harness.connect_peer(address));
        harness.expect([accepted]);
    }
    harness.conn(1).close();
    harness.expect(["1 Ended(Closed)"]);
    harness.expect_received(peers[1], "", Some(Ending::End));
    harness.finish(peers[2]);
    harness.expect(["2 Eof"]);
    harness.conn(0).abort();
    harness.expect(["0 Ended(Aborted)"]);
    harness.expect_reset(peers[0]);
    harness.conn(2).close();
    harness.expect(["2 Ended(Closed)"]);
    harness.expect_received(peers[2], "", Some(Ending::End));
    harness.finish(peers[1]);
    harness.expect_conns(0);
    harness.end();
}

on_every_back_end! {
    a_closed_connection_ends_for_the_peer,
    output_that_is_pending_at_the_close_arrives,
    all_output_arrives_at_a_peer_that_reads_after_the_close,
    output_arrives_although_writing_is_disabled_at_the_close,
    input_that_is_not_read_does_not_turn_a_close_into_a_reset,
    an_aborted_connection_is_reset,
    an_aborted_connection_with_output_is_reset,
    an_aborted_connection_whose_peer_has_ended_ends_in_order,
    connections_end_in_any_order,
}
