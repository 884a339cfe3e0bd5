//! Directions that are disabled and enabled again. Data that arrives meanwhile waits.

use picoevent::{ConnEvent, Direction};
use picoevent_conformance::{Sizes, Stage};

fn input_waits_until_reading_is_enabled<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.app().reads = false;
    let call = stage.accepted_call();
    stage.send(call, b"waiting");
    stage.expect([]);
    assert_eq!(stage.conn(0).input_len(), 0);
    stage.conn(0).enable(Direction::Read);
    stage.expect(["0 read waiting"]);
    stage.end();
}

fn the_end_of_the_stream_waits_until_reading_is_enabled<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.app().reads = false;
    let call = stage.accepted_call();
    stage.finish(call);
    stage.expect([]);
    stage.conn(0).enable(Direction::Read);
    stage.expect(["0 Eof"]);
    stage.end();
}

fn input_and_end_wait_together<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.app().reads = false;
    let call = stage.accepted_call();
    stage.send(call, b"waiting");
    stage.finish(call);
    stage.expect([]);
    stage.conn(0).write(b"not yet").unwrap();
    stage.expect(["0 written"]);
    stage.conn(0).enable(Direction::Read);
    stage.expect(["0 read waiting", "0 Eof"]);
    stage.expect_heard(call, "not yet", None);
    stage.end();
}

fn reading_disabled_in_its_callback_stops_before_the_next_input<S: Stage>() {
    let mut stage = S::new(Sizes { ring: 4, ..Sizes::default() });
    stage.react(|_, conn, event| {
        if event == ConnEvent::Readable {
            conn.disable(Direction::Read);
        }
    });
    let call = stage.accepted_call();
    stage.send(call, b"one two 3");
    stage.finish(call);
    // Each callback gets at most one ring of input.
    stage.expect(["0 read one "]);
    stage.conn(0).enable(Direction::Read);
    stage.expect(["0 read two "]);
    stage.conn(0).enable(Direction::Read);
    stage.expect(["0 read 3"]);
    stage.conn(0).enable(Direction::Read);
    stage.expect(["0 Eof"]);
    stage.end();
}

fn output_waits_until_writing_is_enabled<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let call = stage.accepted_call();
    stage.conn(0).disable(Direction::Write).write(b"later").unwrap();
    stage.expect([]);
    stage.expect_heard(call, "", None);
    stage.conn(0).enable(Direction::Write);
    stage.expect(["0 written"]);
    stage.expect_heard(call, "later", None);
    stage.end();
}

fn reading_is_not_enabled_again_after_the_end<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let call = stage.accepted_call();
    stage.finish(call);
    stage.expect(["0 Eof"]);
    assert!(!stage.conn(0).enable(Direction::Read).is_enabled(Direction::Read));
    stage.expect([]);
    stage.end();
}

on_every_stage! {
    input_waits_until_reading_is_enabled,
    the_end_of_the_stream_waits_until_reading_is_enabled,
    input_and_end_wait_together,
    reading_disabled_in_its_callback_stops_before_the_next_input,
    output_waits_until_writing_is_enabled,
    reading_is_not_enabled_again_after_the_end,
}
