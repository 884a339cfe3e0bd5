//! Scenarios for free space in the output ring. The application waits for free space, and input waits until there is
//! free space for the answer.

use picoevent::{ConnEvent, Direction, Settings};
use picoevent_conformance::{Harness, Sizes};

static ROOM_OF_8: Settings = Settings::new().room(8);

fn room_that_is_already_free_is_reported_once<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.accepted_peer();
    harness.conn(0).wait_for_room(100);
    harness.expect(["0 written"]);
    harness.expect([]);
    harness.end();
}

fn requested_room_is_reported_when_it_is_free<S: Harness>() {
    let mut harness = S::new(Sizes { ring: 8192, ..Sizes::default() });
    let (_, address) = harness.listen();
    let peer = harness.connect_peer_unread(address, 512);
    harness.expect(["0 accepted"]);
    harness.flood(0);
    harness.react(|app, conn, event| {
        if event == ConnEvent::Writable {
            app.log.push(format!("room is there: {}", conn.room() >= 4096));
        }
    });
    harness.conn(0).wait_for_room(4096);
    harness.expect([]);
    assert!(harness.conn(0).room() < 4096);
    harness.read(peer);
    let flooded = harness.app().flooded;
    assert!(harness.until(|harness| harness.received(peer).bytes.len() == flooded));
    harness.step();
    // One callback reports the requested free space. One callback reports that all output is sent. If both happen in
    // the same iteration, there is only one callback.
    let log = core::mem::take(&mut harness.app().log);
    assert!(matches!(log.len(), 1..=2), "{log:?}");
    assert!(log.iter().all(|line| line == "room is there: true"), "{log:?}");
    harness.end();
}

fn input_waits_until_the_output_has_room_for_an_answer<S: Harness>() {
    let mut harness = S::new(Sizes { ring: 16, ..Sizes::default() });
    harness.app().settings = &ROOM_OF_8;
    let peer = harness.accepted_peer();
    harness.conn(0).disable(Direction::Write).write(b"ten bytes.").unwrap();
    harness.send(peer, b"question");
    harness.expect([]);
    assert_eq!(harness.conn(0).input_len(), 8);
    harness.conn(0).enable(Direction::Write);
    harness.expect(["0 read question", "0 written"]);
    harness.expect_received(peer, "ten bytes.", None);
    harness.end();
}

fn the_end_of_the_stream_waits_until_the_output_has_room_for_an_answer<S: Harness>() {
    let mut harness = S::new(Sizes { ring: 16, ..Sizes::default() });
    harness.app().settings = &ROOM_OF_8;
    let peer = harness.accepted_peer();
    harness.conn(0).disable(Direction::Write).write(b"ten bytes.").unwrap();
    harness.finish(peer);
    harness.expect([]);
    harness.conn(0).enable(Direction::Write);
    harness.expect(["0 written", "0 Eof"]);
    harness.end();
}

on_every_back_end! {
    room_that_is_already_free_is_reported_once,
    requested_room_is_reported_when_it_is_free,
    input_waits_until_the_output_has_room_for_an_answer,
    the_end_of_the_stream_waits_until_the_output_has_room_for_an_answer,
}
