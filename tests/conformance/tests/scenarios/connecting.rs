//! Scenarios for outgoing connections.

use picoevent_conformance::{Ending, Harness, Sizes};

fn a_connection_is_opened_and_bytes_go_both_ways<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let (address, host) = harness.listening_peer();
    harness.connect(address);
    harness.expect(["0 Opened"]);
    harness.conn(0).write(b"question").unwrap();
    harness.expect(["0 written"]);
    harness.expect_received(host, "question", None);
    harness.send(host, b"answer");
    harness.finish(host);
    harness.expect(["0 read answer", "0 Eof"]);
    harness.conn(0).close();
    harness.expect(["0 Ended(Closed)"]);
    harness.expect_received(host, "question", Some(Ending::End));
    harness.expect_conns(0);
    harness.end();
}

fn a_connect_to_a_closed_port_is_refused<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let address = harness.closed_address();
    harness.connect(address);
    harness.expect(["0 Ended(Failed(Refused))"]);
    harness.end();
}

fn output_written_before_a_refused_connect_is_discarded<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let address = harness.closed_address();
    harness.connect(address);
    harness.conn(0).write(b"early").unwrap();
    harness.react(|_, conn, _| assert_eq!(conn.output_len(), 0));
    harness.expect(["0 Ended(Failed(Refused))"]);
    harness.end();
}

fn output_written_before_the_connection_is_open_is_sent_when_it_opens<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let (address, host) = harness.listening_peer();
    harness.connect(address);
    harness.conn(0).write(b"early").unwrap();
    harness.expect(["0 Opened", "0 written"]);
    harness.expect_received(host, "early", None);
    harness.end();
}

fn a_stream_that_is_finished_before_the_connection_is_open_ends_when_it_opens<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let (address, host) = harness.listening_peer();
    harness.connect(address);
    harness.conn(0).finish();
    harness.expect(["0 Opened"]);
    harness.expect_received(host, "", Some(Ending::End));
    harness.send(host, b"I see");
    harness.expect(["0 read I see"]);
    harness.end();
}

fn output_and_end_before_the_connection_is_open_arrive_in_order<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let (address, host) = harness.listening_peer();
    harness.connect(address);
    harness.conn(0).write(b"all I have").unwrap();
    harness.conn(0).finish();
    harness.expect(["0 Opened", "0 written"]);
    harness.expect_received(host, "all I have", Some(Ending::End));
    harness.end();
}

fn a_connection_closed_before_it_is_open_still_delivers<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let (address, host) = harness.listening_peer();
    harness.connect(address);
    harness.conn(0).write(b"last words").unwrap();
    harness.conn(0).close();
    harness.expect_received(host, "last words", Some(Ending::End));
    harness.finish(host);
    harness.expect_conns(0);
    harness.expect(["0 Ended(Closed)"]);
    harness.end();
}

fn a_connection_without_output_closed_before_it_is_open_is_dropped<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let address = harness.silent_address();
    harness.connect(address);
    harness.step();
    harness.conn(0).close();
    harness.expect_conns(0);
    harness.connect(address);
    harness.conn(1).close();
    harness.expect_conns(0);
    harness.expect(["0 Ended(Closed)", "1 Ended(Closed)"]);
    harness.end();
}

fn a_connection_aborted_before_it_is_open_is_dropped<S: Harness>() {
    let mut harness = S::new(Sizes { conns: 1, ..Sizes::default() });
    let address = harness.silent_address();
    harness.connect(address);
    harness.conn(0).write(b"never sent").unwrap();
    harness.step();
    harness.conn(0).abort();
    harness.expect(["0 Ended(Aborted)"]);
    harness.expect_conns(0);
    let (address, host) = harness.listening_peer();
    harness.connect(address);
    harness.expect(["1 Opened"]);
    harness.expect_received(host, "", None);
    harness.end();
}

fn a_failed_connection_is_replaced_by_another_attempt<S: Harness>() {
    let mut harness = S::new(Sizes { conns: 1, ..Sizes::default() });
    let closed = harness.closed_address();
    let (address, host) = harness.listening_peer();
    harness.connect(closed);
    harness.expect(["0 Ended(Failed(Refused))"]);
    harness.expect_conns(0);
    harness.connect(address);
    harness.expect(["1 Opened"]);
    harness.send(host, b"there you are");
    harness.expect(["1 read there you are"]);
    harness.end();
}

on_every_back_end! {
    a_connection_is_opened_and_bytes_go_both_ways,
    a_connect_to_a_closed_port_is_refused,
    output_written_before_a_refused_connect_is_discarded,
    output_written_before_the_connection_is_open_is_sent_when_it_opens,
    a_stream_that_is_finished_before_the_connection_is_open_ends_when_it_opens,
    output_and_end_before_the_connection_is_open_arrive_in_order,
    a_connection_closed_before_it_is_open_still_delivers,
    a_connection_without_output_closed_before_it_is_open_is_dropped,
    a_connection_aborted_before_it_is_open_is_dropped,
    a_failed_connection_is_replaced_by_another_attempt,
}
