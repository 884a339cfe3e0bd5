//! Scenarios for directions that are disabled and enabled again. While a direction is disabled, its data waits.

use picoevent::{ConnEvent, Direction};
use picoevent_conformance::{Harness, Sizes};

fn input_waits_until_reading_is_enabled<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.app().enables_reading = false;
    let peer = harness.accepted_peer();
    harness.send(peer, b"waiting");
    harness.expect([]);
    assert_eq!(harness.conn(0).input_len(), 0);
    harness.conn(0).enable(Direction::Read);
    harness.expect(["0 read waiting"]);
    harness.end();
}

fn the_end_of_the_stream_waits_until_reading_is_enabled<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.app().enables_reading = false;
    let peer = harness.accepted_peer();
    harness.finish(peer);
    harness.expect([]);
    harness.conn(0).enable(Direction::Read);
    harness.expect(["0 Eof"]);
    harness.end();
}

fn input_and_end_wait_together<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.app().enables_reading = false;
    let peer = harness.accepted_peer();
    harness.send(peer, b"waiting");
    harness.finish(peer);
    harness.expect([]);
    harness.conn(0).write(b"not yet").unwrap();
    harness.expect(["0 written"]);
    harness.conn(0).enable(Direction::Read);
    harness.expect(["0 read waiting", "0 Eof"]);
    harness.expect_received(peer, "not yet", None);
    harness.end();
}

fn reading_disabled_in_its_callback_stops_before_the_next_input<S: Harness>() {
    let mut harness = S::new(Sizes { ring: 4, ..Sizes::default() });
    harness.react(|_, conn, event| {
        if event == ConnEvent::Readable {
            conn.disable(Direction::Read);
        }
    });
    let peer = harness.accepted_peer();
    harness.send(peer, b"one two 3");
    harness.finish(peer);
    // Each callback gets at most four bytes of input, because the ring has four bytes.
    harness.expect(["0 read one "]);
    harness.conn(0).enable(Direction::Read);
    harness.expect(["0 read two "]);
    harness.conn(0).enable(Direction::Read);
    harness.expect(["0 read 3"]);
    harness.conn(0).enable(Direction::Read);
    harness.expect(["0 Eof"]);
    harness.end();
}

fn output_waits_until_writing_is_enabled<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let peer = harness.accepted_peer();
    harness.conn(0).disable(Direction::Write).write(b"later").unwrap();
    harness.expect([]);
    harness.expect_received(peer, "", None);
    harness.conn(0).enable(Direction::Write);
    harness.expect(["0 written"]);
    harness.expect_received(peer, "later", None);
    harness.end();
}

fn reading_is_not_enabled_again_after_the_end<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let peer = harness.accepted_peer();
    harness.finish(peer);
    harness.expect(["0 Eof"]);
    assert!(!harness.conn(0).enable(Direction::Read).is_enabled(Direction::Read));
    harness.expect([]);
    harness.end();
}

on_every_back_end! {
    input_waits_until_reading_is_enabled,
    the_end_of_the_stream_waits_until_reading_is_enabled,
    input_and_end_wait_together,
    reading_disabled_in_its_callback_stops_before_the_next_input,
    output_waits_until_writing_is_enabled,
    reading_is_not_enabled_again_after_the_end,
}
