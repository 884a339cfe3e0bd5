//! The search for the end of a line of 1,024 bytes, which arrives in one piece or byte by byte.
//!
//! Only the searches are counted, one after each piece. Feeding the bytes is not counted.

use core::hint::black_box;

use picoevent::{Eol, RingBuffer};

use super::{App, Base, rings, with};
use crate::meter::{Harness, Report, Watch};

const LINE: usize = 1_024;
const TIMES: u32 = 20;

/// The bytes per piece, and the names of the counts for a ring and for a connection. With zero bytes per piece no byte
/// arrives between the searches, so these counts show the cost of the calls alone.
const WAYS: [(usize, [&str; 2]); 3] = [
    (
        LINE,
        ["end of a line in a ring, in one piece", "end of a line of a connection, in one piece"],
    ),
    (1, ["end of a line in a ring, byte by byte", "end of a line of a connection, byte by byte"]),
    (0, ["end of a line in a ring, no byte", "end of a line of a connection, no byte"]),
];

/// Counts the searches in an application's ring and in a connection's input.
pub fn run(report: &mut Report, turn: impl Fn(&mut Base<'_>, &mut App)) {
    for (piece, [name, _]) in WAYS {
        let (mut memory, mut watch) = ([0; 2 * LINE], Watch::new());
        let mut ring = RingBuffer::new(black_box(&mut memory));
        for _ in 0..TIMES {
            for line in pieces(piece) {
                let written = ring.write(line);
                debug_assert!(written.is_ok(), "the ring has room");
                let found = watch.time(|| ring.find_eol(black_box(Eol::Crlf)));
                assert_eq!(found.is_some(), ring.len() == LINE);
            }
            ring.clear();
        }
        report.watched(name, Harness::Meter, TIMES, &watch);
    }
    with(|base, app| {
        let conn = rings::open(base, app);
        turn(base, app);
        for (piece, [_, name]) in WAYS {
            let mut watch = Watch::new();
            for _ in 0..TIMES {
                for line in pieces(piece) {
                    if let Some((first, _)) = base.input(conn) {
                        first[..line.len()].copy_from_slice(line);
                    }
                    base.received(conn, line.len());
                    let Ok(mut view) = base.conn(conn) else { return };
                    let found = watch.time(|| view.find_eol(black_box(Eol::Crlf)));
                    assert_eq!(found.is_some(), view.input_len() == LINE);
                }
                if let Ok(mut view) = base.conn(conn) {
                    view.consume(LINE);
                }
            }
            report.watched(name, Harness::Meter, TIMES, &watch);
        }
    });
}

/// Returns the pieces of a line, of `length` bytes each. If `length` is zero, returns one empty piece for each
/// byte of the line.
fn pieces(length: usize) -> impl Iterator<Item = &'static [u8]> {
    static TEXT: [u8; LINE] = {
        let mut text = [b'x'; LINE];
        text[LINE - 1] = b'\n';
        text
    };
    TEXT.chunks(black_box(length.max(1))).map(move |piece| &piece[..piece.len().min(length)])
}
