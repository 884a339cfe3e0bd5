//! Static bytes are sent without a copy into the ring, at their position in the output. A close sends them first.

use picoevent_conformance::{Ending, Sizes, Stage};

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

fn static_bytes_arrive_in_their_place<S: Stage>() {
    let mut stage = S::new(Sizes { ring: 16, ..Sizes::default() });
    let call = stage.accepted_call();
    let mut conn = stage.conn(0);
    conn.write(b"<head>").unwrap();
    conn.write_static(&PAGE).unwrap();
    conn.write(b"</head>").unwrap();
    stage.expect(["0 written"]);
    stage.expect_heard(call, around("<head>", "</head>"), None);
    // Two pieces in a row, with nothing between.
    stage.conn(0).write_static(b"one").unwrap();
    stage.conn(0).write_static(b"two").unwrap();
    stage.expect(["0 written"]);
    stage.expect_heard(call, around("<head>", "</head>onetwo"), None);
    stage.end();
}

fn a_close_sends_static_bytes_first<S: Stage>() {
    let mut stage = S::new(Sizes { ring: 16, ..Sizes::default() });
    let call = stage.accepted_call();
    stage.conn(0).write_static(&PAGE).unwrap();
    stage.conn(0).write(b"end").unwrap();
    stage.conn(0).close();
    stage.expect(["0 Ended(Closed)"]);
    stage.expect_heard(call, around("", "end"), Some(Ending::End));
    stage.end();
}

fn a_peer_that_reads_late_gets_static_bytes_whole<S: Stage>() {
    let mut stage = S::new(Sizes { ring: 16, ..Sizes::default() });
    let (_, address) = stage.listen();
    let call = stage.call_unread(address, 1_000);
    stage.expect(["0 accepted"]);
    stage.conn(0).write(b"first").unwrap();
    stage.conn(0).write_static(&PAGE).unwrap();
    stage.conn(0).finish();
    stage.step();
    stage.read(call);
    stage.expect_heard(call, around("first", ""), Some(Ending::End));
    stage.expect(["0 written"]);
    stage.end();
}

on_every_stage! {
    static_bytes_arrive_in_their_place,
    a_close_sends_static_bytes_first,
    a_peer_that_reads_late_gets_static_bytes_whole,
}
