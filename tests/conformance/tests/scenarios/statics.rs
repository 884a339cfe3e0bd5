//! Scenarios for static bytes. Static bytes are sent at their position in the output, without a copy into the ring. If
//! a connection is closed, its static bytes are sent before the end of stream.

use picoevent_conformance::{Ending, Harness, Sizes};

/// Longer than the ring, and longer than what a stack accepts at once.
static PAGE: [u8; 20_000] = {
    let mut page = [0; 20_000];
    let mut at = 0;
    while at < page.len() {
        page[at] = b'a' + (at % 23) as u8;
        at += 1;
    }
    page
};

/// Returns the expected text: the page between two other texts.
fn around(before: &str, after: &str) -> String {
    [before, str::from_utf8(&PAGE).unwrap(), after].concat()
}

fn static_bytes_arrive_in_order<S: Harness>() {
    let mut harness = S::new(Sizes { ring: 16, ..Sizes::default() });
    let peer = harness.accepted_peer();
    let mut conn = harness.conn(0);
    conn.write(b"<head>").unwrap();
    conn.write_static(&PAGE).unwrap();
    conn.write(b"</head>").unwrap();
    harness.expect(["0 written"]);
    harness.expect_received(peer, around("<head>", "</head>"), None);
    // Two static slices directly after each other.
    harness.conn(0).write_static(b"one").unwrap();
    harness.conn(0).write_static(b"two").unwrap();
    harness.expect(["0 written"]);
    harness.expect_received(peer, around("<head>", "</head>onetwo"), None);
    harness.end();
}

fn a_close_sends_static_bytes_first<S: Harness>() {
    let mut harness = S::new(Sizes { ring: 16, ..Sizes::default() });
    let peer = harness.accepted_peer();
    harness.conn(0).write_static(&PAGE).unwrap();
    harness.conn(0).write(b"end").unwrap();
    harness.conn(0).close();
    harness.expect(["0 Ended(Closed)"]);
    harness.expect_received(peer, around("", "end"), Some(Ending::End));
    harness.end();
}

fn a_peer_that_reads_late_gets_all_static_bytes<S: Harness>() {
    let mut harness = S::new(Sizes { ring: 16, ..Sizes::default() });
    let (_, address) = harness.listen();
    let peer = harness.connect_peer_unread(address, 1_000);
    harness.expect(["0 accepted"]);
    harness.conn(0).write(b"first").unwrap();
    harness.conn(0).write_static(&PAGE).unwrap();
    harness.conn(0).finish();
    harness.step();
    harness.read(peer);
    harness.expect_received(peer, around("first", ""), Some(Ending::End));
    harness.expect(["0 written"]);
    harness.end();
}

on_every_back_end! {
    static_bytes_arrive_in_order,
    a_close_sends_static_bytes_first,
    a_peer_that_reads_late_gets_all_static_bytes,
}
