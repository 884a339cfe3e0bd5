//! The two directions of a connection end independently.

use picoevent::{ConnEvent, WriteError};
use picoevent_conformance::{Ending, Sizes, Stage};

fn the_end_of_the_peers_stream_comes_after_its_input<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let call = stage.accepted_call();
    stage.send(call, b"last words");
    stage.finish(call);
    stage.expect(["0 read last words", "0 Eof"]);
    stage.expect_heard(call, "", None);
    stage.end();
}

fn the_end_of_the_peers_stream_comes_after_rings_of_input<S: Stage>() {
    let mut stage = S::new(Sizes { ring: 4, ..Sizes::default() });
    let call = stage.accepted_call();
    stage.send(call, b"five rings of input.");
    stage.finish(call);
    stage.expect(["0 read five rings of input.", "0 Eof"]);
    stage.end();
}

fn output_still_arrives_after_the_peers_end<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let call = stage.accepted_call();
    stage.finish(call);
    stage.expect(["0 Eof"]);
    stage.conn(0).write(b"late").unwrap();
    stage.expect(["0 written"]);
    stage.expect_heard(call, "late", None);
    stage.conn(0).close();
    stage.expect(["0 Ended(Closed)"]);
    stage.expect_heard(call, "late", Some(Ending::End));
    stage.end();
}

fn input_still_comes_after_our_end<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let call = stage.accepted_call();
    stage.conn(0).finish();
    stage.expect_heard(call, "", Some(Ending::End));
    assert_eq!(stage.conn(0).write(b"more"), Err(WriteError::Finished));
    stage.send(call, b"still here");
    stage.expect(["0 read still here"]);
    stage.finish(call);
    stage.expect(["0 Eof"]);
    stage.end();
}

fn our_end_follows_output_that_waits<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let call = stage.accepted_call();
    stage.conn(0).write(b"before the end").unwrap();
    stage.conn(0).finish();
    stage.expect(["0 written"]);
    stage.expect_heard(call, "before the end", Some(Ending::End));
    stage.end();
}

fn an_answer_to_the_last_input_is_sent_before_the_end_is_reported<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.react(|_, conn, event| {
        if event == ConnEvent::Readable {
            conn.write(b"answer").unwrap();
        }
    });
    let call = stage.accepted_call();
    stage.send(call, b"question");
    stage.finish(call);
    // The end comes in a later pass than the input, together with the report of the answer.
    stage.expect(["0 read question", "0 written", "0 Eof"]);
    stage.expect_heard(call, "answer", None);
    stage.end();
}

fn a_connection_whose_both_halves_have_ended_is_held_until_it_is_closed<S: Stage>() {
    let mut stage = S::new(Sizes { conns: 1, ..Sizes::default() });
    let call = stage.accepted_call();
    stage.conn(0).write(b"all").unwrap();
    stage.conn(0).finish();
    stage.expect(["0 written"]);
    stage.expect_heard(call, "all", Some(Ending::End));
    stage.send(call, b"mine");
    stage.finish(call);
    stage.expect(["0 read mine", "0 Eof"]);
    assert_eq!(stage.base().counts().conns, 1);
    stage.conn(0).close();
    stage.expect(["0 Ended(Closed)"]);
    stage.expect_conns(0);
    stage.expect_heard(call, "all", Some(Ending::End));
    stage.end();
}

on_every_stage! {
    the_end_of_the_peers_stream_comes_after_its_input,
    the_end_of_the_peers_stream_comes_after_rings_of_input,
    output_still_arrives_after_the_peers_end,
    input_still_comes_after_our_end,
    our_end_follows_output_that_waits,
    an_answer_to_the_last_input_is_sent_before_the_end_is_reported,
    a_connection_whose_both_halves_have_ended_is_held_until_it_is_closed,
}
