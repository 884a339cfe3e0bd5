//! Scenarios for the two directions of a connection, which end independently.

use picoevent::{ConnEvent, WriteError};
use picoevent_conformance::{Ending, Harness, Sizes};

fn the_end_of_the_peers_stream_comes_after_its_input<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let peer = harness.accepted_peer();
    harness.send(peer, b"last words");
    harness.finish(peer);
    harness.expect(["0 read last words", "0 Eof"]);
    harness.expect_received(peer, "", None);
    harness.end();
}

fn the_end_of_the_peers_stream_comes_after_rings_of_input<S: Harness>() {
    let mut harness = S::new(Sizes { ring: 4, ..Sizes::default() });
    let peer = harness.accepted_peer();
    harness.send(peer, b"five rings of input.");
    harness.finish(peer);
    harness.expect(["0 read five rings of input.", "0 Eof"]);
    harness.end();
}

fn output_still_arrives_after_the_peers_end<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let peer = harness.accepted_peer();
    harness.finish(peer);
    harness.expect(["0 Eof"]);
    harness.conn(0).write(b"late").unwrap();
    harness.expect(["0 written"]);
    harness.expect_received(peer, "late", None);
    harness.conn(0).close();
    harness.expect(["0 Ended(Closed)"]);
    harness.expect_received(peer, "late", Some(Ending::End));
    harness.end();
}

fn input_still_comes_after_our_end<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let peer = harness.accepted_peer();
    harness.conn(0).finish();
    harness.expect_received(peer, "", Some(Ending::End));
    assert_eq!(harness.conn(0).write(b"more"), Err(WriteError::Finished));
    harness.send(peer, b"still here");
    harness.expect(["0 read still here"]);
    harness.finish(peer);
    harness.expect(["0 Eof"]);
    harness.end();
}

fn our_end_follows_output_that_waits<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let peer = harness.accepted_peer();
    harness.conn(0).write(b"before the end").unwrap();
    harness.conn(0).finish();
    harness.expect(["0 written"]);
    harness.expect_received(peer, "before the end", Some(Ending::End));
    harness.end();
}

fn an_answer_to_the_last_input_is_sent_before_the_end_is_reported<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.react(|_, conn, event| {
        if event == ConnEvent::Readable {
            conn.write(b"answer").unwrap();
        }
    });
    let peer = harness.accepted_peer();
    harness.send(peer, b"question");
    harness.finish(peer);
    // The callback for the end runs in a later pass than the callback for the input. The answer is sent between the two
    // passes.
    harness.expect(["0 read question", "0 written", "0 Eof"]);
    harness.expect_received(peer, "answer", None);
    harness.end();
}

fn a_connection_whose_both_halves_have_ended_is_held_until_it_is_closed<S: Harness>() {
    let mut harness = S::new(Sizes { conns: 1, ..Sizes::default() });
    let peer = harness.accepted_peer();
    harness.conn(0).write(b"all").unwrap();
    harness.conn(0).finish();
    harness.expect(["0 written"]);
    harness.expect_received(peer, "all", Some(Ending::End));
    harness.send(peer, b"mine");
    harness.finish(peer);
    harness.expect(["0 read mine", "0 Eof"]);
    assert_eq!(harness.base().counts().conns, 1);
    harness.conn(0).close();
    harness.expect(["0 Ended(Closed)"]);
    harness.expect_conns(0);
    harness.expect_received(peer, "all", Some(Ending::End));
    harness.end();
}

on_every_back_end! {
    the_end_of_the_peers_stream_comes_after_its_input,
    the_end_of_the_peers_stream_comes_after_rings_of_input,
    output_still_arrives_after_the_peers_end,
    input_still_comes_after_our_end,
    our_end_follows_output_that_waits,
    an_answer_to_the_last_input_is_sent_before_the_end_is_reported,
    a_connection_whose_both_halves_have_ended_is_held_until_it_is_closed,
}
