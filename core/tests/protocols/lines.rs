//! Messages read from the input: lines and other delimited messages.

use picoevent::{Conn, LineError, Pool, Settings};

use crate::{App, Base, SETTINGS, base, feed, listen, passes, peer};

/// Makes a connection with an input ring of `input` bytes.
fn with_input(base: &mut Base, input: usize, settings: &'static Settings) -> Conn {
    let pool = base.add_pool(Pool::new(1).rings(input, 8)).unwrap();
    let listener = listen(base, pool, settings);
    let conn = base.accepted(listener, peer()).unwrap();
    passes(base, &mut App::default());
    conn
}

/// Writes `text` to the input ring, in parts that fit. After each part, reads lines of up to six bytes. Returns the
/// lines, and for an overlong line the text of the error.
fn lines_of(base: &mut Base, conn: Conn, text: &[u8]) -> Vec<String> {
    let (mut rest, mut lines) = (text, Vec::new());
    loop {
        rest = &rest[feed(base, conn, rest)..];
        let mut buffer = [0; 6];
        let mut view = base.conn(conn).unwrap();
        while let Some(line) = view.read_line(&mut buffer) {
            lines.push(line.map_or_else(|error| error.to_string(), |line| line.to_owned()));
        }
        if rest.is_empty() {
            return lines;
        }
    }
}

const LONG: &str = "the line is too long";

#[test]
fn lines_end_with_a_newline_with_or_without_a_return() {
    let mut base = base();
    let conn = with_input(&mut base, 64, &SETTINGS);
    assert_eq!(lines_of(&mut base, conn, b"a\nb\r\n\n\r\nc\rd\n"), ["a", "b", "", "", "c\rd"]);
    assert_eq!(lines_of(&mut base, conn, b"half"), Vec::<String>::new());
    assert_eq!(base.conn(conn).unwrap().input_len(), 4, "it stays");
    assert_eq!(lines_of(&mut base, conn, b"!\r"), Vec::<String>::new());
    assert_eq!(lines_of(&mut base, conn, b"\n"), ["half!"]);
}

#[test]
fn a_line_may_fill_the_buffer_but_not_exceed_it() {
    let mut base = base();
    let conn = with_input(&mut base, 64, &SETTINGS);
    assert_eq!(lines_of(&mut base, conn, b"123456\n123456\r\n"), ["123456", "123456"]);
    assert_eq!(lines_of(&mut base, conn, b"1234567\nnext\n"), [LONG, "next"]);
    assert_eq!(lines_of(&mut base, conn, b"12345\r6\r\nnext\n"), [LONG, "next"]);
    // The line and its end arrive byte by byte.
    for (text, expected) in [("123456\r\n", "123456"), ("123456\n", "123456"), ("1234567\n", LONG)]
    {
        let bytes = text.bytes().flat_map(|byte| lines_of(&mut base, conn, &[byte]));
        assert_eq!(bytes.collect::<Vec<_>>(), [expected], "{text:?}");
    }
}

#[test]
fn an_overlong_line_is_reported_once_and_skipped_in_whatever_parts_it_arrives() {
    let mut base = base();
    let conn = with_input(&mut base, 16, &SETTINGS);
    let text = b"0123456789 this line is far too long for all of it\r\nnext\r\n";
    for part in 1..text.len() {
        let lines = text.chunks(part).flat_map(|part| lines_of(&mut base, conn, part));
        assert_eq!(lines.collect::<Vec<_>>(), [LONG, "next"], "parts of {part} bytes");
        assert_eq!(base.conn(conn).unwrap().input_len(), 0);
    }
}

#[test]
fn a_line_longer_than_the_ring_is_too_long_for_any_buffer() {
    let mut base = base();
    let conn = with_input(&mut base, 4, &SETTINGS);
    let lines = lines_of(&mut base, conn, b"abc\nabcd\nab\r\nabcde\nx\n");
    assert_eq!(lines, ["abc", LONG, "ab", LONG, "x"]);
}

#[test]
fn a_line_that_is_not_text_is_consumed_and_reported() {
    let mut base = base();
    let conn = with_input(&mut base, 64, &SETTINGS);
    let lines = lines_of(&mut base, conn, b"\xff\xfe\nok\n");
    assert_eq!(lines, ["the line is not UTF-8", "ok"]);
    feed(&mut base, conn, b"\xc3\n");
    let line = base.conn(conn).unwrap().read_line(&mut [0; 4]).map(|line| line.map(str::to_owned));
    assert_eq!(line, Some(Err(LineError::NotText)));
}

#[test]
fn without_room_for_an_answer_and_after_the_end_there_is_no_line() {
    static ANSWERS: Settings = Settings::new().room(5);
    let mut base = base();
    let conn = with_input(&mut base, 64, &ANSWERS);
    feed(&mut base, conn, b"a\nb\nc\n");
    let mut view = base.conn(conn).unwrap();
    let mut buffer = [0; 6];
    assert_eq!(view.read_line(&mut buffer), Some(Ok("a")));
    view.write(b"1234").unwrap();
    assert_eq!(view.read_line(&mut buffer), None);
    assert_eq!(view.read_until(b"\n", &mut buffer), None);
    crate::drain(&mut base, conn, 1);
    let mut view = base.conn(conn).unwrap();
    assert_eq!(view.read_line(&mut buffer), Some(Ok("b")));
    view.close();
    assert_eq!((view.read_line(&mut buffer), view.input_len()), (None, 0));
    assert_eq!(view.read_until(b"", &mut buffer), None);
}

#[test]
fn read_until_includes_the_end_and_keeps_input_that_is_too_long() {
    let mut base = base();
    let conn = with_input(&mut base, 12, &SETTINGS);
    let mut buffer = [0; 8];
    feed(&mut base, conn, b"ab\r\n\r");
    assert_eq!(base.conn(conn).unwrap().read_until(b"\r\n\r\n", &mut buffer), None);
    feed(&mut base, conn, b"\nrest");
    let mut view = base.conn(conn).unwrap();
    assert_eq!(view.read_until(b"\r\n\r\n", &mut buffer), Some(Ok(&b"ab\r\n\r\n"[..])));
    assert_eq!((view.read_until(b"!", &mut buffer), view.input_len()), (None, 4));
    assert_eq!(view.read_until(b"", &mut buffer), None, "an empty end is never found");
    feed(&mut base, conn, b"12345!");
    let mut view = base.conn(conn).unwrap();
    assert_eq!(view.read_until(b"!", &mut buffer), Some(Err(LineError::TooLong)));
    assert_eq!(view.input_len(), 10, "it stays");
    // The input has no `?` yet, and is already longer than the buffer. So a message that ends with `?` cannot fit.
    assert_eq!(view.read_until(b"?", &mut buffer), Some(Err(LineError::TooLong)));
    view.consume(2);
    assert_eq!(view.read_until(b"?", &mut buffer), Some(Err(LineError::TooLong)));
    assert_eq!(view.read_until(b"!", &mut buffer), Some(Ok(&b"st12345!"[..])), "exactly");
    feed(&mut base, conn, b"0123456789ab");
    let full = base.conn(conn).unwrap().read_until(b"!", &mut [0; 64]).map(|read| read.is_err());
    assert_eq!(full, Some(true), "the ring is full");
}
