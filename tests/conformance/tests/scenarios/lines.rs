//! Scenarios for input that the application reads line by line.

use picoevent::{ConnEvent, Settings};
use picoevent_conformance::{Harness, PeerConn, Sizes};

static ROOM_OF_8: Settings = Settings::new().room(8);

/// The length of the longest line, in bytes.
const LONGEST: usize = 16;

/// Makes a harness with a connection. The application answers each line with `answer`.
fn with_lines<S: Harness>(ring: usize, answer: &'static str) -> (S, PeerConn) {
    let mut harness = S::new(Sizes { ring, ..Sizes::default() });
    (harness.app().takes_input, harness.app().settings) = (false, &ROOM_OF_8);
    harness.react(move |app, conn, event| {
        let mut buffer = [0; LONGEST];
        while event == ConnEvent::Readable
            && let Some(line) = conn.read_line(&mut buffer)
        {
            app.log.push(format!("{line:?}"));
            conn.write(answer.as_bytes()).unwrap();
        }
    });
    let peer = harness.accepted_peer();
    (harness, peer)
}

fn lines_are_read_whole_even_if_they_arrive_in_parts<S: Harness>() {
    let (mut harness, peer) = with_lines::<S>(256, "");
    harness.send(peer, b"one\r\ntw");
    harness.expect([r#"Ok("one")"#]);
    harness.send(peer, b"o\n\nthree");
    harness.expect([r#"Ok("two")"#, r#"Ok("")"#]);
    harness.send(peer, b"\r");
    harness.expect([]);
    harness.send(peer, b"\nfour");
    harness.finish(peer);
    // No line end follows the last bytes of the input, so these bytes are not a line.
    harness.expect([r#"Ok("three")"#, "0 Eof"]);
    assert_eq!(harness.conn(0).input_len(), 4);
    harness.end();
}

fn a_line_that_is_too_long_is_reported_once_and_skipped<S: Harness>() {
    let (mut harness, peer) = with_lines::<S>(32, "");
    harness.send(peer, &[b'x'; 100]);
    harness.expect(["Err(TooLong)"]);
    harness.send(peer, b"xxx\nnext\n");
    harness.expect([r#"Ok("next")"#]);
    harness.send(peer, b"\xff\xfe\nlast\n");
    harness.expect(["Err(NotText)", r#"Ok("last")"#]);
    harness.end();
}

/// The ring has room for two answers.
fn each_line_is_answered_even_if_the_answers_do_not_fit_at_once<S: Harness>() {
    let (mut harness, peer) = with_lines::<S>(16, "got it\r\n");
    harness.send(peer, b"a\nb\nc\nd\ne\nf\n");
    let lines = ["a", "b", "c", "d", "e", "f"].map(|line| format!("Ok({line:?})"));
    let [a, b, c, d, e, f] = lines.each_ref().map(String::as_str);
    harness.expect([a, b, c, d, e, f, "0 written"]);
    harness.expect_received(peer, "got it\r\n".repeat(6), None);
    harness.end();
}

on_every_back_end! {
    lines_are_read_whole_even_if_they_arrive_in_parts,
    a_line_that_is_too_long_is_reported_once_and_skipped,
    each_line_is_answered_even_if_the_answers_do_not_fit_at_once,
}
