//! Low and high marks, input that a callback waits for once, and settings that change at run time.

use std::time::Duration;

use picoevent::{ConnEvent, Direction, Settings};
use picoevent_conformance::{App, Sizes, Stage, pattern};

static FROM_8_ON: Settings = Settings::new().input_marks(8, usize::MAX);
static AT_MOST_4: Settings = Settings::new().input_marks(1, 4);
static SHORT_OUTPUT: Settings = Settings::new().output_marks(0, 5);
static SOME_LEFT: Settings = Settings::new().output_marks(4096, usize::MAX);
static QUICK: Settings = Settings::new().connect(Duration::from_millis(60));

fn input_below_the_low_mark_waits<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.app().settings = &FROM_8_ON;
    let call = stage.accepted_call();
    stage.send(call, b"ask me ");
    stage.expect([]);
    stage.send(call, b"anything");
    stage.expect(["0 read ask me anything"]);
    stage.end();
}

fn the_end_of_the_stream_comes_though_the_input_is_below_the_low_mark<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.app().settings = &FROM_8_ON;
    let call = stage.accepted_call();
    stage.send(call, b"short");
    stage.finish(call);
    stage.expect(["0 Eof"]);
    assert_eq!(stage.conn(0).peek().0, b"short");
    stage.end();
}

fn no_more_than_the_high_mark_is_received_at_once_and_nothing_is_lost<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.app().settings = &AT_MOST_4;
    stage.react(|_, conn, _| assert!(conn.input_len() <= 4));
    let call = stage.accepted_call();
    stage.send(call, b"a long message, in portions");
    stage.expect(["0 read a long message, in portions"]);
    stage.end();
}

fn a_peer_waits_at_the_high_mark_until_input_is_taken<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.app().settings = &AT_MOST_4;
    stage.app().takes = false;
    let call = stage.accepted_call();
    stage.send(call, b"abcdefgh");
    stage.finish(call);
    stage.expect([]);
    assert_eq!(stage.conn(0).peek().0, b"abcd");
    assert_eq!(stage.conn(0).consume(3), 3);
    stage.expect([]);
    assert_eq!(stage.conn(0).contiguous(4).unwrap(), b"defg");
    assert_eq!(stage.conn(0).consume(4), 4);
    stage.expect(["0 Eof"]);
    assert_eq!(stage.conn(0).peek().0, b"h");
    stage.end();
}

fn no_more_is_written_than_the_high_mark_says<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.app().settings = &SHORT_OUTPUT;
    let call = stage.accepted_call();
    stage.conn(0).disable(Direction::Write);
    assert_eq!(stage.conn(0).room(), 5);
    assert_eq!(stage.conn(0).write_some(b"seven bytes"), 5);
    assert!(stage.conn(0).write(b"!").is_err());
    stage.conn(0).enable(Direction::Write);
    stage.expect(["0 written"]);
    stage.expect_heard(call, "seven", None);
    stage.end();
}

fn writable_comes_at_the_low_mark<S: Stage>() {
    let mut stage = S::new(Sizes { ring: 8192, ..Sizes::default() });
    stage.app().settings = &SOME_LEFT;
    let (_, address) = stage.listen();
    let call = stage.call_unread(address, 512);
    stage.expect(["0 accepted"]);
    stage.flood(0);
    stage.react(|app, conn, event| {
        if event == ConnEvent::Writable {
            assert!(conn.output_len() <= 4096, "more than the low mark is left");
            app.log.push("writable".into());
        }
    });
    stage.expect([]);
    assert!(stage.conn(0).output_len() > 4096);
    stage.read(call);
    let flooded = stage.app().flooded;
    assert!(stage.until(|stage| stage.heard(call).bytes.len() == flooded));
    stage.step();
    let log = core::mem::take(&mut stage.app().log);
    assert!(!log.is_empty() && log.iter().all(|line| line == "writable"), "{log:?}");
    assert_eq!(stage.heard(call).bytes, pattern(0, flooded));
    stage.end();
}

fn input_is_waited_for_by_length<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.app().takes = false;
    stage.react(|app: &mut App, conn, event| {
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
    let call = stage.accepted_call();
    stage.send(call, b"5fi");
    stage.expect([]);
    stage.send(call, b"ve");
    stage.expect([]);
    stage.send(call, b"s3two4one");
    stage.expect(["fives", "two"]);
    stage.send(call, b"!");
    stage.expect(["one!"]);
    stage.end();
}

fn other_settings_hold_the_peer_back_and_let_it_go_on<S: Stage>() {
    static PLAIN: Settings = Settings::new();
    let mut stage = S::new(Sizes::default());
    stage.app().takes = false;
    let call = stage.accepted_call();
    stage.conn(0).set_settings(&AT_MOST_4).unwrap();
    stage.send(call, b"abcdefgh");
    stage.expect([]);
    assert_eq!(stage.conn(0).input_len(), 4);
    stage.conn(0).set_settings(&PLAIN).unwrap();
    stage.expect([]);
    assert_eq!(stage.conn(0).peek().0, b"abcdefgh");
    stage.end();
}

fn a_trigger_for_output_is_called_in_the_next_pass<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let call = stage.accepted_call();
    stage.conn(0).write_again();
    assert!(stage.app().log.is_empty(), "it is deferred");
    stage.expect(["0 written"]);
    stage.expect_heard(call, "", None);
    stage.end();
}

fn a_connect_has_a_timeout_of_its_own<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let (address, _) = stage.host();
    stage.app().settings = &QUICK;
    stage.connect(address);
    stage.expect(["0 Opened"]);
    let address = stage.silent_address();
    stage.connect(address);
    stage.expect(["1 Timeout(Write)"]);
    assert!(!stage.conn(1).is_open());
    stage.expect([]);
    stage.conn(1).abort();
    stage.expect(["1 Ended(Aborted)"]);
    stage.end();
}

fn a_reset_is_found_when_reading_and_a_refused_connect_by_no_direction<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.react(|app, conn, event| {
        if matches!(event, ConnEvent::Ended(_)) {
            app.log.push(format!("{:?}", conn.failed_direction()));
        }
    });
    let call = stage.accepted_call();
    stage.reset(call);
    stage.expect(["0 Ended(Failed(Reset))", "Some(Read)"]);
    let address = stage.closed_address();
    stage.connect(address);
    stage.expect(["1 Ended(Failed(Refused))", "None"]);
    stage.end();
}

on_every_stage! {
    input_below_the_low_mark_waits,
    the_end_of_the_stream_comes_though_the_input_is_below_the_low_mark,
    no_more_than_the_high_mark_is_received_at_once_and_nothing_is_lost,
    a_peer_waits_at_the_high_mark_until_input_is_taken,
    no_more_is_written_than_the_high_mark_says,
    writable_comes_at_the_low_mark,
    input_is_waited_for_by_length,
    other_settings_hold_the_peer_back_and_let_it_go_on,
    a_trigger_for_output_is_called_in_the_next_pass,
    a_connect_has_a_timeout_of_its_own,
    a_reset_is_found_when_reading_and_a_refused_connect_by_no_direction,
}
