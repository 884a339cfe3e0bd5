//! Moving bytes between rings, and prepending. libevent's scenarios test empty chunks. A ring has no chunks, so these
//! scenarios test every start position in the ring.

use picoevent::{RingBuffer, WriteError};

use crate::evbuffer::{all, ring_at};

/// Appends `amount` bytes of `from` to `to`, for every start position in both rings. Returns the bytes of both rings.
fn moved(from: &[u8], to: &[u8], amount: usize) -> (Vec<u8>, Vec<u8>) {
    let mut outcomes = Vec::new();
    for (start, other) in (0..8).flat_map(|start| (0..8).map(move |other| (start, other))) {
        let (mut one, mut two) = ([0; 8], [0; 8]);
        let mut source = ring_at(&mut one, start, from);
        let mut target = ring_at(&mut two, other, to);
        let expected = amount.min(from.len()).min(8 - to.len());
        assert_eq!(source.transfer(&mut target, amount), expected);
        outcomes.push((all(&source), all(&target)));
    }
    outcomes.dedup();
    assert_eq!(outcomes.len(), 1, "it does not matter where the rings begin");
    outcomes.remove(0)
}

#[test]
fn remove_buffer_with_empty() {
    assert_eq!(moved(b"abcd", b"xy", 3), (b"d".into(), b"xyabc".into()));
}

#[test]
fn remove_buffer_with_empty2() {
    assert_eq!(moved(b"abcd", b"", 3), (b"d".into(), b"abc".into()));
    assert_eq!(moved(b"abcd", b"", 4), (b"".into(), b"abcd".into()));
}

#[test]
fn remove_buffer_with_empty3() {
    assert_eq!(moved(b"", b"xy", 3), (b"".into(), b"xy".into()));
    assert_eq!(moved(b"abcdefgh", b"xy", usize::MAX), (b"gh".into(), b"xyabcdef".into()));
}

#[test]
fn remove_buffer_with_empty_front() {
    assert_eq!(moved(b"abcd", b"xy", 0), (b"abcd".into(), b"xy".into()));
    assert_eq!(moved(b"a", b"xy", 1), (b"".into(), b"xya".into()));
}

/// Bytes move in both directions and keep their order.
#[test]
fn remove_buffer_adjust_last_with_datap_with_empty() {
    let (mut one, mut two) = ([0; 8], [0; 5]);
    let (mut ring, mut other) = (RingBuffer::new(&mut one), RingBuffer::new(&mut two));
    ring.write(b"abcdefgh").unwrap();
    let mut passed: Vec<u8> = Vec::new();
    for amount in [3, 0, 1, 4, 2, 5, 1].into_iter().cycle().take(70) {
        ring.transfer(&mut other, amount);
        // The bytes read from `other` are written back to `ring`, after the bytes that `ring` still holds.
        let mut next = [0; 5];
        let read = other.read(&mut next[..amount.min(2)]);
        passed.extend(&next[..read]);
        ring.write_some(&next[..read]);
    }
    assert!(passed.len() > 70);
    let expected = b"abcdefgh".iter().copied().cycle();
    assert_eq!(passed, expected.take(passed.len()).collect::<Vec<_>>());
}

#[test]
fn add_buffer_with_empty() {
    assert_eq!(moved(b"", b"", usize::MAX), (b"".into(), b"".into()));
    assert_eq!(moved(b"abc", b"xy", usize::MAX), (b"".into(), b"xyabc".into()));
}

#[test]
fn add_buffer_with_empty2() {
    let (mut one, mut two, mut three) = ([0; 8], [0; 8], [0; 8]);
    let mut target = RingBuffer::new(&mut one);
    for (memory, text) in [(&mut two, &b""[..]), (&mut three, b"hello")] {
        let mut source = ring_at(memory, 6, text);
        assert_eq!(source.transfer(&mut target, usize::MAX), text.len());
        target.write(b"!").unwrap();
    }
    assert_eq!(all(&target), b"!hello!");
}

/// Prepends to an empty ring, then to a ring with room before its first byte, then to a ring whose bytes wrap at the
/// end of the memory.
#[test]
fn prepend() {
    let (mut one, mut two) = ([0; 64], [0; 64]);
    let (mut ring, mut other) = (RingBuffer::new(&mut one), RingBuffer::new(&mut two));
    ring.prepend(b"There are many characters here").unwrap();
    ring.prepend(b"Short.").unwrap();
    ring.consume(6 + 10);
    ring.prepend(b"it has ").unwrap();
    assert_eq!(all(&ring), b"it has many characters here");
    ring.prepend(b"nobody says any more that ").unwrap();
    assert_eq!(all(&ring), b"nobody says any more that it has many characters here");
    // No method prepends a whole ring. Instead, the bytes of `ring` are prepended to `other`.
    ring.clear();
    for number in [999, 1_000] {
        write!(ring, "number {number}. ").unwrap();
        other.prepend(&all(&ring)).unwrap();
        ring.clear();
    }
    assert_eq!(all(&other), b"number 1000. number 999. ");
    assert_eq!(other.prepend(&[0; 40]), Err(WriteError::Full { room: 39 }), "all or nothing");
    assert_eq!(all(&other).len(), 25);
}
