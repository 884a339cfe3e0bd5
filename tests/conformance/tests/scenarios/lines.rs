//! Input that is taken line by line.

use picoevent::{ConnEvent, Settings};
use picoevent_conformance::{Call, Sizes, Stage};

static ROOM_OF_8: Settings = Settings::new().room(8);

/// The longest line.
const LONGEST: usize = 16;

/// Makes a stage with a connection. Its application answers each line.
fn with_lines<S: Stage>(ring: usize, answer: &'static str) -> (S, Call) {
    let mut stage = S::new(Sizes { ring, ..Sizes::default() });
    (stage.app().takes, stage.app().settings) = (false, &ROOM_OF_8);
    stage.react(move |app, conn, event| {
        let mut buffer = [0; LONGEST];
        while event == ConnEvent::Readable
            && let Some(line) = conn.read_line(&mut buffer)
        {
            app.log.push(format!("{line:?}"));
            conn.write(answer.as_bytes()).unwrap();
        }
    });
    let call = stage.accepted_call();
    (stage, call)
}

fn lines_are_taken_whole_however_they_come<S: Stage>() {
    let (mut stage, call) = with_lines::<S>(256, "");
    stage.send(call, b"one\r\ntw");
    stage.expect([r#"Ok("one")"#]);
    stage.send(call, b"o\n\nthree");
    stage.expect([r#"Ok("two")"#, r#"Ok("")"#]);
    stage.send(call, b"\r");
    stage.expect([]);
    stage.send(call, b"\nfour");
    stage.finish(call);
    // The last bytes of the input have no line end, so they are no line.
    stage.expect([r#"Ok("three")"#, "0 Eof"]);
    assert_eq!(stage.conn(0).input_len(), 4);
    stage.end();
}

fn a_line_that_is_too_long_is_reported_once_and_skipped<S: Stage>() {
    let (mut stage, call) = with_lines::<S>(32, "");
    stage.send(call, &[b'x'; 100]);
    stage.expect(["Err(TooLong)"]);
    stage.send(call, b"xxx\nnext\n");
    stage.expect([r#"Ok("next")"#]);
    stage.send(call, b"\xff\xfe\nlast\n");
    stage.expect(["Err(NotText)", r#"Ok("last")"#]);
    stage.end();
}

/// The ring has room for two answers.
fn each_line_is_answered_though_the_answers_do_not_fit_at_once<S: Stage>() {
    let (mut stage, call) = with_lines::<S>(16, "got it\r\n");
    stage.send(call, b"a\nb\nc\nd\ne\nf\n");
    let lines = ["a", "b", "c", "d", "e", "f"].map(|line| format!("Ok({line:?})"));
    let [a, b, c, d, e, f] = lines.each_ref().map(String::as_str);
    stage.expect([a, b, c, d, e, f, "0 written"]);
    stage.expect_heard(call, "got it\r\n".repeat(6), None);
    stage.end();
}

on_every_stage! {
    lines_are_taken_whole_however_they_come,
    a_line_that_is_too_long_is_reported_once_and_skipped,
    each_line_is_answered_though_the_answers_do_not_fit_at_once,
}
