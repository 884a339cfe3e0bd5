//! Bad input to a `RingBuffer`: each call returns a result, and no bytes are lost.

use picoevent::{Eol, LineError, RingBuffer, WriteError};

const LONG: Option<Result<&[u8], LineError>> = Some(Err(LineError::TooLong));

/// Returns a ring of eight bytes that holds five bytes, which wrap at the end of its memory.
fn wrapped(memory: &mut [u8; 8]) -> RingBuffer<'_> {
    let mut ring = RingBuffer::new(memory);
    ring.write(b"......ab").unwrap();
    ring.consume(6);
    ring.write(b"cde").unwrap();
    assert_eq!(ring.peek(), (&b"ab"[..], &b"cde"[..]));
    ring
}

#[test]
fn a_ring_of_n_bytes_holds_n_bytes() {
    for size in 0..9 {
        let mut memory = vec![0; size];
        let mut ring = RingBuffer::new(&mut memory);
        assert_eq!((ring.capacity(), ring.room(), ring.is_empty()), (size, size, true));
        assert_eq!(ring.write(&vec![7; size]), Ok(()));
        assert_eq!((ring.len(), ring.room(), ring.is_empty()), (size, 0, size == 0));
    }
}

#[test]
fn data_that_does_not_fit_is_refused_and_nothing_is_lost() {
    let mut memory = [0; 8];
    let mut ring = wrapped(&mut memory);
    let (full, too_long) =
        (Err(WriteError::Full { room: 3 }), Err(WriteError::TooLong { size: 8 }));
    assert_eq!((ring.write(b"1234"), ring.write(&[0; 9])), (full, too_long));
    assert_eq!((write!(ring, "{}", 1234), write!(ring, "{:9}", 1)), (full, too_long));
    assert_eq!((ring.prepend(b"1234"), ring.prepend(&[0; 9])), (full, too_long));
    let fill = |_: &mut [u8]| unreachable!("there is no room to be filled");
    assert_eq!(ring.write_with(4, fill), Err(WriteError::Full { room: 3 }));
    assert_eq!(ring.write_with(9, fill), Err(WriteError::TooLong { size: 8 }));
    assert_eq!(ring.peek(), (&b"ab"[..], &b"cde"[..]));
    assert_eq!(ring.write_some(b"1234"), 3);
    assert_eq!(ring.contiguous(8).unwrap(), b"abcde123");
}

#[test]
fn committing_more_than_was_reserved_commits_nothing() {
    let mut memory = [0; 8];
    let mut ring = wrapped(&mut memory);
    let committed = ring.write_with(2, |room| {
        room.fill(b'x');
        3
    });
    assert_eq!(committed, Err(WriteError::Unreserved));
    assert_eq!(ring.contiguous(5).unwrap(), b"abcde");
    assert_eq!((ring.write_with(2, |_| 0), ring.write_with(0, |_| 0)), (Ok(0), Ok(0)));
    assert_eq!(ring.len(), 5);
    let text = WriteError::Unreserved.to_string();
    assert_eq!(text, "more bytes were committed than reserved");
}

#[test]
fn offsets_beyond_the_end_and_reversed_ranges_find_nothing() {
    let mut memory = [0; 8];
    let mut ring = wrapped(&mut memory);
    assert_eq!(ring.peek_from(3), (&b"de"[..], &[][..]));
    for offset in [5, 6, 8, usize::MAX] {
        assert_eq!(ring.peek_from(offset), (&[][..], &[][..]));
        assert_eq!(ring.copy_out(offset, &mut [0; 4]), 0);
        assert_eq!(ring.find_in(b"e", offset..), None);
    }
    assert_eq!((ring.find_in(b"", 5..), ring.find_in(b"", 6..)), (Some(5), None));
    let (start, end) = (3, 2);
    assert_eq!((ring.find_in(b"d", start..end), ring.find_in(b"", start..end)), (None, None));
    assert_eq!(ring.find_in(b"e", 2..=usize::MAX), Some(4));
    assert_eq!((ring.find_in(b"de", 3..=3), ring.find_in(b"de", 3..=4)), (None, Some(3)));
    assert!(ring.contiguous(6).is_none() && ring.contiguous(usize::MAX).is_none());
    assert_eq!(ring.contiguous(0).unwrap(), b"");
    assert_eq!((ring.read(&mut [0; 9]), ring.consume(usize::MAX)), (5, 0));
}

#[test]
fn a_ring_of_no_bytes_accepts_nothing_and_returns_nothing() {
    let mut ring = RingBuffer::new(&mut []);
    assert_eq!((ring.write(b""), ring.write(b"x")), (Ok(()), Err(WriteError::TooLong { size: 0 })));
    assert_eq!((ring.prepend(b""), ring.write_some(b"x")), (Ok(()), 0));
    assert_eq!((write!(ring, ""), ring.write_with(0, |room| room.len())), (Ok(()), Ok(0)));
    assert_eq!((ring.find(b""), ring.find(b"x"), ring.find_eol(Eol::Any)), (Some(0), None, None));
    assert_eq!((ring.contiguous(0).unwrap().len(), ring.contiguous(1)), (0, None));
    let mut buffer = [0; 4];
    assert_eq!((ring.read_line(&mut buffer), ring.take_line(Eol::Lf)), (None, None));
    // A ring of zero bytes can never hold an `x`, so the result is an error at once.
    assert_eq!(ring.read_until(b"x", &mut buffer), LONG);
    let mut memory = [0; 2];
    let mut other = RingBuffer::new(&mut memory);
    other.write(b"ab").unwrap();
    assert_eq!(
        (other.transfer(&mut ring, 2), ring.transfer(&mut other, 2), other.len()),
        (0, 0, 2)
    );
}

#[test]
fn a_stream_passes_through_a_ring_of_one_byte() {
    let mut memory = [0; 1];
    let mut ring = RingBuffer::new(&mut memory);
    let passed = b"a stream".map(|byte| {
        ring.write(&[byte]).unwrap();
        assert_eq!(ring.write(&[byte]), Err(WriteError::Full { room: 0 }));
        let mut target = [0; 2];
        assert_eq!(ring.read(&mut target), 1);
        target[0]
    });
    assert_eq!(&passed, b"a stream");
    // Only an empty line fits into a ring of one byte, because its line end takes the whole ring.
    let mut lines = Vec::new();
    for byte in b"\nab\n\n" {
        ring.write(&[*byte]).unwrap();
        lines.extend(ring.take_line(Eol::Crlf).map(|line| line.map(<[u8]>::to_vec)));
    }
    assert_eq!(lines, [Ok(vec![]), Err(LineError::TooLong), Ok(vec![])]);
    // The line end `\r\n` has two bytes, so it never fits into a ring of one byte.
    for (at, byte) in b"a\r\n\r\n".iter().enumerate() {
        ring.write(&[*byte]).unwrap();
        assert_eq!(ring.take_line(Eol::CrlfStrict).is_some(), at == 0, "reported once");
    }
}

#[test]
fn a_line_longer_than_the_ring_is_reported_once_and_skipped() {
    for eol in [Eol::Crlf, Eol::CrlfStrict, Eol::Any, Eol::Lf, Eol::Nul] {
        let end = if eol == Eol::Nul { "\0" } else { "\r\n" };
        let text = format!("0123456789\r{end}ab{end}0123456{end}cd{end}");
        for part in 1..8 {
            let mut memory = [0; 8];
            let mut ring = RingBuffer::new(&mut memory);
            let (mut rest, mut lines) = (text.as_bytes(), Vec::new());
            while !rest.is_empty() {
                let amount = ring.write_some(&rest[..part.min(rest.len())]);
                rest = &rest[amount..];
                while let Some(line) = ring.take_line(eol) {
                    lines.push(line.map(<[u8]>::to_vec).ok());
                }
            }
            // With `Eol::Any`, the `\r` after the digits of the first line already ends this line. The next bytes are
            // `\r\n`. If they arrive in a later part than the first `\r`, they end an empty line. Empty lines are
            // ignored here.
            lines.retain(|line| eol != Eol::Any || line.as_deref() != Some(b""));
            let short = |line: &[u8]| Some(line.to_vec());
            let returns = if eol == Eol::Lf { &b"\r"[..] } else { b"" };
            let [ab, cd] = [b"ab", b"cd"].map(|line| short(&[line, returns].concat()));
            // With a line end of one byte, the line of seven bytes and its end fit into the ring.
            let fits = matches!(eol, Eol::Nul | Eol::Any).then(|| b"0123456".to_vec());
            assert_eq!(lines, [None, ab, fits, cd], "{eol:?} in parts of {part}");
            assert!(ring.is_empty());
        }
    }
}

#[test]
fn clearing_a_ring_forgets_an_overlong_line() {
    let mut memory = [0; 4];
    let mut ring = RingBuffer::new(&mut memory);
    ring.write(b"abcd").unwrap();
    assert_eq!(ring.take_line(Eol::Lf), LONG);
    ring.clear();
    ring.write(b"ef\n").unwrap();
    assert_eq!(ring.take_line(Eol::Lf), Some(Ok(&b"ef"[..])));
}
