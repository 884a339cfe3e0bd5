//! The search for the end of a line of 1,024 bytes. The line arrives all at once or byte by byte.
//!
//! One search runs after each part that arrives. Only the searches are counted, not the storing of the bytes.

use core::hint::black_box;

use picoevent::{Eol, RingBuffer};

use super::{App, Base, rings, with_base};
use crate::meter::{Harness, Report, Stopwatch};

const LINE: usize = 1_024;
const TIMES: u32 = 20;

/// For each way in which a line arrives: the number of bytes that arrive at once, and two names of counts, one for a
/// ring and one for a connection. With the number zero, no byte arrives between the searches, so these counts are the
/// cost of the calls alone.
const ARRIVALS: [(usize, [&str; 2]); 3] = [
    (LINE, ["end of a line in a ring, all at once", "end of a line of a connection, all at once"]),
    (1, ["end of a line in a ring, byte by byte", "end of a line of a connection, byte by byte"]),
    (0, ["end of a line in a ring, no byte", "end of a line of a connection, no byte"]),
];

/// Counts the searches in an application's ring and in a connection's input.
pub fn run(report: &mut Report, iterate: impl Fn(&mut Base<'_>, &mut App)) {
    for (length, [name, _]) in ARRIVALS {
        let (mut memory, mut watch) = ([0; 2 * LINE], Stopwatch::new());
        let mut ring = RingBuffer::new(black_box(&mut memory));
        for _ in 0..TIMES {
            for line in parts(length) {
                let written = ring.write(line);
                debug_assert!(written.is_ok(), "the ring has room");
                let found = watch.time(|| ring.find_eol(black_box(Eol::Crlf)));
                assert_eq!(found.is_some(), ring.len() == LINE);
            }
            ring.clear();
        }
        report.timed(name, Harness::Meter, TIMES, &watch);
    }
    with_base(|base, app| {
        let conn = rings::open(base, app);
        iterate(base, app);
        for (length, [_, name]) in ARRIVALS {
            let mut watch = Stopwatch::new();
            for _ in 0..TIMES {
                for line in parts(length) {
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
            report.timed(name, Harness::Meter, TIMES, &watch);
        }
    });
}

/// Returns the parts of a line, of `length` bytes each. If `length` is zero, returns one empty part for each byte of
/// the line.
fn parts(length: usize) -> impl Iterator<Item = &'static [u8]> {
    static TEXT: [u8; LINE] = {
        let mut text = [b'x'; LINE];
        text[LINE - 1] = b'\n';
        text
    };
    TEXT.chunks(black_box(length.max(1))).map(move |part| &part[..part.len().min(length)])
}
