//! Room for output: the application waits for room, and input waits until there is room for its answer.

use picoevent::{ConnEvent, Direction, Settings};
use picoevent_conformance::{Sizes, Stage};

static ROOM_OF_8: Settings = Settings::new().room(8);

fn room_that_is_there_already_is_reported_once<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.accepted_call();
    stage.conn(0).wait_for_room(100);
    stage.expect(["0 written"]);
    stage.expect([]);
    stage.end();
}

fn room_is_reported_when_so_much_was_sent<S: Stage>() {
    let mut stage = S::new(Sizes { ring: 8192, ..Sizes::default() });
    let (_, address) = stage.listen();
    let call = stage.call_unread(address, 512);
    stage.expect(["0 accepted"]);
    stage.flood(0);
    stage.react(|app, conn, event| {
        if event == ConnEvent::Writable {
            app.log.push(format!("room is there: {}", conn.room() >= 4096));
        }
    });
    stage.conn(0).wait_for_room(4096);
    stage.expect([]);
    assert!(stage.conn(0).room() < 4096);
    stage.read(call);
    let flooded = stage.app().flooded;
    assert!(stage.until(|stage| stage.heard(call).bytes.len() == flooded));
    stage.step();
    // One callback for the room, and one callback when all is sent. If both happen at once, there is one callback.
    let log = core::mem::take(&mut stage.app().log);
    assert!(matches!(log.len(), 1..=2), "{log:?}");
    assert!(log.iter().all(|line| line == "room is there: true"), "{log:?}");
    stage.end();
}

fn input_waits_until_its_answer_has_room<S: Stage>() {
    let mut stage = S::new(Sizes { ring: 16, ..Sizes::default() });
    stage.app().settings = &ROOM_OF_8;
    let call = stage.accepted_call();
    stage.conn(0).disable(Direction::Write).write(b"ten bytes.").unwrap();
    stage.send(call, b"question");
    stage.expect([]);
    assert_eq!(stage.conn(0).input_len(), 8);
    stage.conn(0).enable(Direction::Write);
    stage.expect(["0 read question", "0 written"]);
    stage.expect_heard(call, "ten bytes.", None);
    stage.end();
}

fn the_end_of_the_stream_waits_until_its_answer_has_room<S: Stage>() {
    let mut stage = S::new(Sizes { ring: 16, ..Sizes::default() });
    stage.app().settings = &ROOM_OF_8;
    let call = stage.accepted_call();
    stage.conn(0).disable(Direction::Write).write(b"ten bytes.").unwrap();
    stage.finish(call);
    stage.expect([]);
    stage.conn(0).enable(Direction::Write);
    stage.expect(["0 written", "0 Eof"]);
    stage.end();
}

on_every_stage! {
    room_that_is_there_already_is_reported_once,
    room_is_reported_when_so_much_was_sent,
    input_waits_until_its_answer_has_room,
    the_end_of_the_stream_waits_until_its_answer_has_room,
}
