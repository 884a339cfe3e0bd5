//! Scenarios for low and high marks, for `wait_for_input`, and for settings that change at run time.

use std::time::Duration;

use picoevent::{ConnEvent, Direction, Settings};
use picoevent_conformance::{App, Harness, Sizes, pattern};

static FROM_8_ON: Settings = Settings::new().input_marks(8, usize::MAX);
static AT_MOST_4: Settings = Settings::new().input_marks(1, 4);
static SHORT_OUTPUT: Settings = Settings::new().output_marks(0, 5);
static SOME_LEFT: Settings = Settings::new().output_marks(4096, usize::MAX);
static QUICK: Settings = Settings::new().connect(Duration::from_millis(60));

fn input_below_the_low_mark_waits<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.app().settings = &FROM_8_ON;
    let peer = harness.accepted_peer();
    harness.send(peer, b"ask me ");
    harness.expect([]);
    harness.send(peer, b"anything");
    harness.expect(["0 read ask me anything"]);
    harness.end();
}

fn the_end_of_the_stream_is_reported_even_if_the_input_is_below_the_low_mark<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.app().settings = &FROM_8_ON;
    let peer = harness.accepted_peer();
    harness.send(peer, b"short");
    harness.finish(peer);
    harness.expect(["0 Eof"]);
    assert_eq!(harness.conn(0).peek().0, b"short");
    harness.end();
}

fn no_more_input_than_the_high_mark_is_received_at_once_and_no_input_is_lost<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.app().settings = &AT_MOST_4;
    harness.react(|_, conn, _| assert!(conn.input_len() <= 4));
    let peer = harness.accepted_peer();
    harness.send(peer, b"a long message, in portions");
    harness.expect(["0 read a long message, in portions"]);
    harness.end();
}

fn a_peer_waits_at_the_high_mark_until_input_is_taken<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.app().settings = &AT_MOST_4;
    harness.app().takes_input = false;
    let peer = harness.accepted_peer();
    harness.send(peer, b"abcdefgh");
    harness.finish(peer);
    harness.expect([]);
    assert_eq!(harness.conn(0).peek().0, b"abcd");
    assert_eq!(harness.conn(0).consume(3), 3);
    harness.expect([]);
    assert_eq!(harness.conn(0).contiguous(4).unwrap(), b"defg");
    assert_eq!(harness.conn(0).consume(4), 4);
    harness.expect(["0 Eof"]);
    assert_eq!(harness.conn(0).peek().0, b"h");
    harness.end();
}

fn no_more_output_than_the_high_mark_is_accepted<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.app().settings = &SHORT_OUTPUT;
    let peer = harness.accepted_peer();
    harness.conn(0).disable(Direction::Write);
    assert_eq!(harness.conn(0).room(), 5);
    assert_eq!(harness.conn(0).write_some(b"seven bytes"), 5);
    assert!(harness.conn(0).write(b"!").is_err());
    harness.conn(0).enable(Direction::Write);
    harness.expect(["0 written"]);
    harness.expect_received(peer, "seven", None);
    harness.end();
}

fn writable_is_called_at_the_low_mark<S: Harness>() {
    let mut harness = S::new(Sizes { ring: 8192, ..Sizes::default() });
    harness.app().settings = &SOME_LEFT;
    let (_, address) = harness.listen();
    let peer = harness.connect_peer_unread(address, 512);
    harness.expect(["0 accepted"]);
    harness.flood(0);
    harness.react(|app, conn, event| {
        if event == ConnEvent::Writable {
            assert!(conn.output_len() <= 4096, "more than the low mark is left");
            app.log.push("writable".into());
        }
    });
    harness.expect([]);
    assert!(harness.conn(0).output_len() > 4096);
    harness.read(peer);
    let flooded = harness.app().flooded;
    assert!(harness.until(|harness| harness.received(peer).bytes.len() == flooded));
    harness.step();
    let log = core::mem::take(&mut harness.app().log);
    assert!(!log.is_empty() && log.iter().all(|line| line == "writable"), "{log:?}");
    assert_eq!(harness.received(peer).bytes, pattern(0, flooded));
    harness.end();
}

fn a_connection_can_wait_for_a_number_of_bytes<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.app().takes_input = false;
    harness.react(|app: &mut App, conn, event| {
        if event == ConnEvent::Readable {
            let mut length = [0];
            conn.copy_out(0, &mut length);
            let whole = usize::from(length[0] - b'0') + 1;
            match conn.contiguous(whole).map(|message| message[1..].to_vec()) {
                None => _ = conn.wait_for_input(whole),
                Some(message) => {
                    app.log.push(String::from_utf8_lossy(&message).into_owned());
                    conn.consume(whole);
                    conn.read_again();
                }
            }
        }
    });
    let peer = harness.accepted_peer();
    harness.send(peer, b"5fi");
    harness.expect([]);
    harness.send(peer, b"ve");
    harness.expect([]);
    harness.send(peer, b"s3two4one");
    harness.expect(["fives", "two"]);
    harness.send(peer, b"!");
    harness.expect(["one!"]);
    harness.end();
}

fn changed_marks_stop_and_resume_the_peer<S: Harness>() {
    static PLAIN: Settings = Settings::new();
    let mut harness = S::new(Sizes::default());
    harness.app().takes_input = false;
    let peer = harness.accepted_peer();
    harness.conn(0).set_settings(&AT_MOST_4).unwrap();
    harness.send(peer, b"abcdefgh");
    harness.expect([]);
    assert_eq!(harness.conn(0).input_len(), 4);
    harness.conn(0).set_settings(&PLAIN).unwrap();
    harness.expect([]);
    assert_eq!(harness.conn(0).peek().0, b"abcdefgh");
    harness.end();
}

fn a_requested_write_callback_runs_in_the_next_pass<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let peer = harness.accepted_peer();
    harness.conn(0).write_again();
    assert!(harness.app().log.is_empty(), "it is deferred");
    harness.expect(["0 written"]);
    harness.expect_received(peer, "", None);
    harness.end();
}

fn a_connect_has_a_separate_timeout<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let (address, _) = harness.listening_peer();
    harness.app().settings = &QUICK;
    harness.connect(address);
    harness.expect(["0 Opened"]);
    let address = harness.silent_address();
    harness.connect(address);
    harness.expect(["1 Timeout(Write)"]);
    assert!(!harness.conn(1).is_open());
    harness.expect([]);
    harness.conn(1).abort();
    harness.expect(["1 Ended(Aborted)"]);
    harness.end();
}

fn a_reset_is_found_by_reading_and_a_refused_connect_by_neither_direction<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.react(|app, conn, event| {
        if matches!(event, ConnEvent::Ended(_)) {
            app.log.push(format!("{:?}", conn.failed_direction()));
        }
    });
    let peer = harness.accepted_peer();
    harness.reset(peer);
    harness.expect(["0 Ended(Failed(Reset))", "Some(Read)"]);
    let address = harness.closed_address();
    harness.connect(address);
    harness.expect(["1 Ended(Failed(Refused))", "None"]);
    harness.end();
}

on_every_back_end! {
    input_below_the_low_mark_waits,
    the_end_of_the_stream_is_reported_even_if_the_input_is_below_the_low_mark,
    no_more_input_than_the_high_mark_is_received_at_once_and_no_input_is_lost,
    a_peer_waits_at_the_high_mark_until_input_is_taken,
    no_more_output_than_the_high_mark_is_accepted,
    writable_is_called_at_the_low_mark,
    a_connection_can_wait_for_a_number_of_bytes,
    changed_marks_stop_and_resume_the_peer,
    a_requested_write_callback_runs_in_the_next_pass,
    a_connect_has_a_separate_timeout,
    a_reset_is_found_by_reading_and_a_refused_connect_by_neither_direction,
}
