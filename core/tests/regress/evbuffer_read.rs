//! Peeking into a ring, searching in a ring, and reading lines.

use picoevent::{Eol, LineError, RingBuffer};

use crate::evbuffer::{all, ring_at};

/// Writes parts to a ring, for every start position. Returns the lines that are complete after each part, and checks
/// the remaining bytes.
fn lines(eol: Eol, parts: &[&[u8]], left: &[u8]) -> Vec<Vec<String>> {
    let mut outcomes = Vec::new();
    for start in 0..48 {
        let mut memory = [0; 48];
        let mut ring = ring_at(&mut memory, start, parts[0]);
        let mut lines = vec![whole_lines(&mut ring, eol)];
        for part in &parts[1..] {
            ring.write(part).unwrap();
            lines.push(whole_lines(&mut ring, eol));
        }
        assert_eq!(all(&ring), left);
        outcomes.push(lines);
    }
    outcomes.dedup();
    assert_eq!(outcomes.len(), 1, "it does not matter where the ring begins");
    outcomes.remove(0)
}

fn whole_lines(ring: &mut RingBuffer<'_>, eol: Eol) -> Vec<String> {
    let mut buffer = [0; 64];
    let mut next = || {
        let line = ring.read_line_with(eol, &mut buffer)?.unwrap();
        Some(String::from_utf8(line.to_vec()).unwrap())
    };
    std::iter::from_fn(&mut next).collect()
}

/// All five kinds of line ends. A line end may also arrive in two parts, or wrap at the end of the memory. In the last
/// part of libevent's test, the allocation of memory for a line fails. Here the caller's buffer is too short, so the
/// line is reported as an error and skipped.
#[test]
fn readln() {
    let some: [&[u8]; 2] = [b"a silly newline\r\n\n\r\n\n\rmore\0\n", b"\nno newline"];
    assert_eq!(
        lines(Eol::Any, &some, b"no newline"),
        [vec!["a silly newline", "more\0"], vec![""]]
    );

    let some: [&[u8]; 2] = [b"with\rin the middle\nwith crlf\r\n\nfinal\n", b"x"];
    let expected = [vec!["with\rin the middle", "with crlf", "", "final"], vec![]];
    assert_eq!(lines(Eol::Crlf, &some, b"x"), expected);

    let some: [&[u8]; 4] =
        [b"x and a bad crlf\nand a good one\r\n\r\nMore\r", b"\n", b"an inner \r is none", b"\r\n"];
    let expected = [
        vec!["x and a bad crlf\nand a good one", ""],
        vec!["More"],
        vec![],
        vec!["an inner \r is none"],
    ];
    assert_eq!(lines(Eol::CrlfStrict, &some, b""), expected);

    let some: [&[u8]; 2] = [b"An\rand a nl\n\nText", b"\n"];
    assert_eq!(lines(Eol::Lf, &some, b""), [vec!["An\rand a nl", ""], vec!["Text"]]);

    let some: [&[u8]; 2] = [b"zero\0line\nand line\0\0no", b"\0"];
    assert_eq!(lines(Eol::Nul, &some, b""), [vec!["zero", "line\nand line", ""], vec!["no"]]);

    // A line end that arrives in two parts.
    let some: [&[u8]; 4] = [b" bad\nand a good one\r", b"\n\r", b"\nMore\r", b"\n"];
    let expected = [vec![], vec![" bad\nand a good one"], vec![""], vec!["More"]];
    assert_eq!(lines(Eol::CrlfStrict, &some, b""), expected);

    let mut memory = [0; 32];
    let mut ring = ring_at(&mut memory, 20, b"one line\ntwo line\nblue line\n");
    let mut buffer = [0; 9];
    assert_eq!(ring.read_line_with(Eol::Lf, &mut buffer), Some(Ok(&b"one line"[..])));
    assert_eq!(ring.read_line_with(Eol::Lf, &mut buffer[..4]), Some(Err(LineError::TooLong)));
    assert_eq!(ring.read_line_with(Eol::Lf, &mut buffer), Some(Ok(&b"blue line"[..])));
}

/// libevent searches from a position. Here the bytes before that position are consumed.
#[test]
fn search_eol() {
    let mut memory = [0; 32];
    let mut ring = ring_at(&mut memory, 22, b"string! \r\n\r\nx\n");
    assert_eq!((ring.find_eol(Eol::Crlf), ring.find_eol(Eol::Crlf)), (Some(8..10), Some(8..10)));
    assert_eq!((ring.find_eol(Eol::Lf), ring.find_eol(Eol::Any)), (Some(9..10), Some(8..12)));
    ring.consume(9);
    assert_eq!(
        (ring.find_eol(Eol::Crlf), ring.find_eol(Eol::CrlfStrict)),
        (Some(0..1), Some(1..3))
    );
    assert_eq!((ring.find_eol(Eol::Lf), ring.find_eol(Eol::Nul)), (Some(0..1), None));
    ring.consume(1);
    assert_eq!(ring.find_eol(Eol::Lf), Some(1..2));
    ring.consume(2);
    assert_eq!((ring.find_eol(Eol::Crlf), ring.find_eol(Eol::CrlfStrict)), (Some(1..2), None));
}

/// Consumed and incomplete occurrences are not found.
#[test]
fn find() {
    let mut memory = [0; 256];
    let mut ring = RingBuffer::new(&mut memory);
    ring.write(b"1234567890\r\n").unwrap();
    ring.consume(12);
    ring.write(b"1234567890\r").unwrap();
    assert_eq!(ring.find(b"\r\n"), None);
    ring.consume(11);
    let mut text = [b'a'; 256];
    text[255] = b'x';
    ring.write(&text).unwrap();
    assert_eq!((ring.find(b"xy"), ring.find(b"ax")), (None, Some(254)));
}

/// Offsets replace libevent's pointers and are never invalidated. An offset that is equal to the length is valid. A
/// search from a greater offset finds nothing.
#[test]
fn ptr_set() {
    let mut memory = vec![0; 16_000];
    let mut ring = ring_at(&mut memory, 10_000, &[1; 5_000]);
    ring.write(&[2; 4_000]).unwrap();
    ring.write(&[3; 3_000]).unwrap();
    for (offset, left) in [(0, 12_000), (10_000, 2_000), (11_000, 1_000), (12_000, 0), (13_000, 0)]
    {
        let (first, second) = ring.peek_from(offset);
        assert_eq!(first.len() + second.len(), left);
        let is_there = offset <= 12_000;
        assert_eq!(ring.find_in(b"", offset..).is_some(), is_there);
    }
    assert_eq!((ring.peek_from(5_000).0[0], ring.peek_from(9_000).0[0]), (2, 3));
}

#[test]
fn search() {
    for start in 0..20 {
        let mut memory = [0; 20];
        let mut ring = ring_at(&mut memory, start, b"hello");
        for part in ["foo", "cat", "attack"] {
            write!(ring, "{part}").unwrap();
        }
        assert_eq!((ring.find(b"attack"), ring.find(b"attacker")), (Some(11), None));
        // A second search begins at or near the offset of the last match.
        assert_eq!((ring.find(b"oc"), ring.find_in(b"cat", 7..)), (Some(7), Some(8)));
        assert_eq!(ring.find_in(b"tacking", 8..), None);
        assert_eq!((ring.find_in(b"foo", 5..), ring.find_in(b"tat", 7..)), (Some(5), Some(10)));
        // The whole occurrence must be within the range.
        assert_eq!(
            (ring.find_in(b"foo", ..12), ring.find_in(b"foocata", ..12)),
            (Some(5), Some(5))
        );
        assert_eq!((ring.find_in(b"foocatat", ..12), ring.find_in(b"ack", ..12)), (None, None));
    }
}

/// The bytes of a ring are in at most two contiguous slices (libevent's extents). Peeking changes nothing.
#[test]
fn peek() {
    let text: Vec<u8> =
        (0..16).flat_map(|part| format!("contents of part {part}\n").into_bytes()).collect();
    for start in [0, 1, 200, 399] {
        let mut memory = [0; 400];
        let ring = ring_at(&mut memory, start, &text);
        let wrapped = start > 400 - text.len();
        assert_eq!(ring.peek().1.is_empty(), !wrapped);
        for offset in [0, 30, 44, 201, text.len() - 1, text.len(), 500] {
            let (first, second) = ring.peek_from(offset);
            assert_eq!([first, second].concat(), text.get(offset..).unwrap_or_default());
            assert!(!first.is_empty() || second.is_empty(), "the first is used first");
        }
        assert_eq!(all(&ring), text);
    }
    let mut memory = [0; 4];
    let empty = RingBuffer::new(&mut memory);
    assert_eq!((empty.peek(), empty.peek_from(50)), ((&[][..], &[][..]), (&[][..], &[][..])));
}

/// Peeks from an offset in the second slice.
#[test]
fn peek_first_gt() {
    let mut memory = [0; 12];
    let ring = ring_at(&mut memory, 7, b"contents");
    assert_eq!(ring.peek(), (&b"conte"[..], &b"nts"[..]));
    assert_eq!(ring.peek_from(4), (&b"e"[..], &b"nts"[..]));
    assert_eq!(
        (ring.peek_from(5), ring.peek_from(6)),
        ((&b"nts"[..], &[][..]), (&b"ts"[..], &[][..]))
    );
}

#[test]
fn copyout() {
    let mut memory = [0; 16];
    let mut ring = ring_at(&mut memory, 10, b"such a string");
    let mut target = [0; 20];
    assert_eq!((ring.copy_out(0, &mut target), &target[..13]), (13, &b"such a string"[..]));
    assert_eq!((ring.copy_out(5, &mut target[..8]), &target[..8]), (8, &b"a string"[..]));
    assert_eq!((ring.copy_out(7, &mut target[..3]), &target[..3]), (3, &b"str"[..]));
    for offset in [13, 14, usize::MAX] {
        assert_eq!(ring.copy_out(offset, &mut target), 0);
    }
    assert_eq!((ring.len(), ring.consume(5)), (13, 5), "nothing was consumed");
    assert_eq!((ring.copy_out(0, &mut target[..1]), target[0]), (1, b'a'));
    assert_eq!(ring.copy_out(0, &mut []), 0);
}

/// Gets contiguous bytes from rings with every start position, and from an empty ring.
#[test]
fn pullup_with_empty() {
    let mut memory = [0; 6];
    let mut ring = RingBuffer::new(&mut memory);
    assert_eq!(ring.contiguous(0).unwrap(), b"");
    assert!(ring.contiguous(1).is_none());
    for start in 0..6 {
        let mut memory = [0; 6];
        let mut ring = ring_at(&mut memory, start, b"hello");
        assert_eq!(ring.contiguous(2).unwrap(), b"he");
        assert_eq!(ring.contiguous(5).unwrap(), b"hello");
        assert!(ring.contiguous(6).is_none());
        assert_eq!(all(&ring), b"hello");
    }
}
