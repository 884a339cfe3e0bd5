//! Outgoing connections.

use picoevent_conformance::{Ending, Sizes, Stage};

fn a_connection_is_opened_and_bytes_go_both_ways<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let (address, host) = stage.host();
    stage.connect(address);
    stage.expect(["0 Opened"]);
    stage.conn(0).write(b"question").unwrap();
    stage.expect(["0 written"]);
    stage.expect_heard(host, "question", None);
    stage.send(host, b"answer");
    stage.finish(host);
    stage.expect(["0 read answer", "0 Eof"]);
    stage.conn(0).close();
    stage.expect(["0 Ended(Closed)"]);
    stage.expect_heard(host, "question", Some(Ending::End));
    stage.expect_conns(0);
    stage.end();
}

fn a_connect_to_a_closed_port_is_refused<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let address = stage.closed_address();
    stage.connect(address);
    stage.expect(["0 Ended(Failed(Refused))"]);
    stage.end();
}

fn what_is_written_before_a_refusal_is_dropped<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let address = stage.closed_address();
    stage.connect(address);
    stage.conn(0).write(b"early").unwrap();
    stage.react(|_, conn, _| assert_eq!(conn.output_len(), 0));
    stage.expect(["0 Ended(Failed(Refused))"]);
    stage.end();
}

fn what_is_written_before_the_connection_is_open_is_sent_then<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let (address, host) = stage.host();
    stage.connect(address);
    stage.conn(0).write(b"early").unwrap();
    stage.expect(["0 Opened", "0 written"]);
    stage.expect_heard(host, "early", None);
    stage.end();
}

fn a_stream_that_is_finished_before_the_connection_is_open_ends_then<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let (address, host) = stage.host();
    stage.connect(address);
    stage.conn(0).finish();
    stage.expect(["0 Opened"]);
    stage.expect_heard(host, "", Some(Ending::End));
    stage.send(host, b"I see");
    stage.expect(["0 read I see"]);
    stage.end();
}

fn output_and_end_before_the_connection_is_open_arrive_in_order<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let (address, host) = stage.host();
    stage.connect(address);
    stage.conn(0).write(b"all I have").unwrap();
    stage.conn(0).finish();
    stage.expect(["0 Opened", "0 written"]);
    stage.expect_heard(host, "all I have", Some(Ending::End));
    stage.end();
}

fn a_connection_closed_before_it_is_open_still_delivers<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let (address, host) = stage.host();
    stage.connect(address);
    stage.conn(0).write(b"last words").unwrap();
    stage.conn(0).close();
    stage.expect_heard(host, "last words", Some(Ending::End));
    stage.finish(host);
    stage.expect_conns(0);
    stage.expect(["0 Ended(Closed)"]);
    stage.end();
}

fn a_connection_without_output_closed_before_it_is_open_is_given_up<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let address = stage.silent_address();
    stage.connect(address);
    stage.step();
    stage.conn(0).close();
    stage.expect_conns(0);
    stage.connect(address);
    stage.conn(1).close();
    stage.expect_conns(0);
    stage.expect(["0 Ended(Closed)", "1 Ended(Closed)"]);
    stage.end();
}

fn a_connection_aborted_before_it_is_open_is_given_up<S: Stage>() {
    let mut stage = S::new(Sizes { conns: 1, ..Sizes::default() });
    let address = stage.silent_address();
    stage.connect(address);
    stage.conn(0).write(b"never sent").unwrap();
    stage.step();
    stage.conn(0).abort();
    stage.expect(["0 Ended(Aborted)"]);
    stage.expect_conns(0);
    let (address, host) = stage.host();
    stage.connect(address);
    stage.expect(["1 Opened"]);
    stage.expect_heard(host, "", None);
    stage.end();
}

fn a_failed_connection_is_replaced_by_another_attempt<S: Stage>() {
    let mut stage = S::new(Sizes { conns: 1, ..Sizes::default() });
    let closed = stage.closed_address();
    let (address, host) = stage.host();
    stage.connect(closed);
    stage.expect(["0 Ended(Failed(Refused))"]);
    stage.expect_conns(0);
    stage.connect(address);
    stage.expect(["1 Opened"]);
    stage.send(host, b"there you are");
    stage.expect(["1 read there you are"]);
    stage.end();
}

on_every_stage! {
    a_connection_is_opened_and_bytes_go_both_ways,
    a_connect_to_a_closed_port_is_refused,
    what_is_written_before_a_refusal_is_dropped,
    what_is_written_before_the_connection_is_open_is_sent_then,
    a_stream_that_is_finished_before_the_connection_is_open_ends_then,
    output_and_end_before_the_connection_is_open_arrive_in_order,
    a_connection_closed_before_it_is_open_still_delivers,
    a_connection_without_output_closed_before_it_is_open_is_given_up,
    a_connection_aborted_before_it_is_open_is_given_up,
    a_failed_connection_is_replaced_by_another_attempt,
}
