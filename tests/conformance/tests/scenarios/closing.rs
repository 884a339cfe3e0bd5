//! Closing and aborting: what the peer receives, and how the stream ends for it.

use std::time::Duration;

use picoevent::ConnEvent;
use picoevent_conformance::{Ending, Sizes, Stage, pattern};

const LONG: Duration = Duration::from_secs(3600);

/// The receive window of a peer that does not read.
const NARROW: usize = 512;

/// Rings that fill the system's buffers in a few hundred turns.
const LARGE: usize = 8192;

fn a_closed_connection_ends_for_the_peer<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.base().set_close_limits(LONG, LONG);
    let call = stage.accepted_call();
    stage.conn(0).close();
    stage.expect(["0 Ended(Closed)"]);
    assert!(stage.base().counts().conns == 1, "it waits for its peer's end");
    stage.expect_heard(call, "", Some(Ending::End));
    stage.finish(call);
    stage.expect_conns(0);
    stage.end();
}

fn output_that_is_pending_at_the_close_arrives<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.react(|_, conn, event| {
        if event == ConnEvent::Opened {
            conn.write(b"goodbye").unwrap();
            conn.close();
        }
    });
    let (_, address) = stage.listen();
    let call = stage.call(address);
    stage.expect(["0 accepted", "0 Ended(Closed)"]);
    stage.expect_heard(call, "goodbye", Some(Ending::End));
    stage.end();
}

fn all_output_arrives_at_a_peer_that_reads_after_the_close<S: Stage>() {
    let mut stage = S::new(Sizes { ring: LARGE, ..Sizes::default() });
    let (_, address) = stage.listen();
    let call = stage.call_unread(address, NARROW);
    stage.expect(["0 accepted"]);
    stage.flood(0);
    stage.conn(0).close();
    stage.expect(["0 Ended(Closed)"]);
    stage.read(call);
    let flooded = stage.app().flooded;
    assert!(stage.until(|stage| stage.heard(call).ending.is_some()));
    assert!(stage.heard(call).bytes == pattern(0, flooded), "something else has arrived");
    assert_eq!(stage.heard(call).ending, Some(Ending::End));
    stage.finish(call);
    stage.expect_conns(0);
    stage.end();
}

fn output_arrives_although_writing_is_disabled_at_the_close<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let call = stage.accepted_call();
    stage.conn(0).disable(picoevent::Direction::Write).write(b"held").unwrap();
    stage.expect_heard(call, "", None);
    stage.conn(0).close();
    stage.expect(["0 Ended(Closed)"]);
    stage.expect_heard(call, "held", Some(Ending::End));
    stage.end();
}

fn input_that_is_not_read_does_not_turn_a_close_into_a_reset<S: Stage>() {
    let mut stage = S::new(Sizes { ring: 16, ..Sizes::default() });
    stage.base().set_close_limits(LONG, LONG);
    stage.app().reads = false;
    let call = stage.accepted_call();
    stage.send(call, &[b'x'; 200]);
    stage.expect([]);
    stage.conn(0).write(b"thank you").unwrap();
    stage.conn(0).close();
    stage.send(call, &[b'y'; 200]);
    stage.expect(["0 Ended(Closed)"]);
    stage.expect_heard(call, "thank you", Some(Ending::End));
    stage.send(call, &[b'z'; 200]);
    stage.finish(call);
    stage.expect_conns(0);
    stage.expect_heard(call, "thank you", Some(Ending::End));
    stage.end();
}

fn an_aborted_connection_is_reset<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let call = stage.accepted_call();
    stage.conn(0).abort();
    stage.expect(["0 Ended(Aborted)"]);
    stage.expect_conns(0);
    stage.expect_reset(call);
    stage.end();
}

fn an_aborted_connection_with_output_is_reset<S: Stage>() {
    let mut stage = S::new(Sizes { ring: LARGE, ..Sizes::default() });
    let (_, address) = stage.listen();
    let call = stage.call_unread(address, NARROW);
    stage.expect(["0 accepted"]);
    stage.flood(0);
    stage.conn(0).abort();
    stage.expect(["0 Ended(Aborted)"]);
    stage.expect_conns(0);
    stage.read(call);
    stage.expect_reset(call);
    stage.end();
}

fn an_aborted_connection_whose_peer_has_ended_ends_in_order<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let call = stage.accepted_call();
    stage.conn(0).write(b"whole").unwrap();
    stage.finish(call);
    stage.expect(["0 written", "0 Eof"]);
    stage.conn(0).abort();
    stage.expect(["0 Ended(Aborted)"]);
    stage.expect_heard(call, "whole", Some(Ending::End));
    stage.expect_conns(0);
    stage.end();
}

fn connections_end_in_any_order<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let (_, address) = stage.listen();
    let mut calls = Vec::new();
    for accepted in ["0 accepted", "1 accepted", "2 accepted"] {
        calls.push(stage.call(address));
        stage.expect([accepted]);
    }
    stage.conn(1).close();
    stage.expect(["1 Ended(Closed)"]);
    stage.expect_heard(calls[1], "", Some(Ending::End));
    stage.finish(calls[2]);
    stage.expect(["2 Eof"]);
    stage.conn(0).abort();
    stage.expect(["0 Ended(Aborted)"]);
    stage.expect_reset(calls[0]);
    stage.conn(2).close();
    stage.expect(["2 Ended(Closed)"]);
    stage.expect_heard(calls[2], "", Some(Ending::End));
    stage.finish(calls[1]);
    stage.expect_conns(0);
    stage.end();
}

on_every_stage! {
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
