//! Writing to a ring: all or nothing, directly in the ring, and with reserved room.

use picoevent::{RingBuffer, WriteError};

use crate::evbuffer::{all, ring_at};

/// Mixes all kinds of writing and reading.
#[test]
fn evbuffer() {
    let (mut one, mut two) = (vec![0; 11_000], vec![0; 11_000]);
    let (mut ring, mut other) = (RingBuffer::new(&mut one), RingBuffer::new(&mut two));
    write!(ring, "hello/{}", 1).unwrap();
    assert_eq!((ring.len(), all(&ring)), (7, b"hello/1".to_vec()));
    assert_eq!((other.transfer(&mut ring, usize::MAX), ring.consume(6)), (0, 6));
    write!(other, "/{}", "hello".trim()).unwrap();
    assert_eq!(other.transfer(&mut ring, usize::MAX), 6);
    assert_eq!((other.len(), all(&ring)), (0, b"1/hello".to_vec()));

    ring.write(&[0; 512]).unwrap();
    assert_eq!(ring.contiguous(519).unwrap()[..8], *b"1/hello\0");
    ring.prepend(b"something").unwrap();
    ring.prepend(b"else").unwrap();
    assert_eq!(ring.contiguous(20).unwrap(), b"elsesomething1/hello");
    assert_eq!(ring.consume(usize::MAX), 532);

    let part: Vec<u8> = (0..=255).cycle().take(512).collect();
    for _ in 0..3 {
        other.write(&part).unwrap();
        other.transfer(&mut ring, usize::MAX);
    }
    assert_eq!((other.len(), ring.len()), (0, 3 * 512));
    assert_eq!(ring.transfer(&mut other, 1_280), 1_280);
    assert_eq!((other.len(), ring.len()), (1_280, 256));
    assert_eq!(ring.contiguous(256).unwrap(), &part[256..]);
    assert_eq!(other.contiguous(512).unwrap(), part);

    for round in 0..3 {
        let used = ring.write_with(10_000, |room| {
            room.fill(round);
            room.len()
        });
        assert_eq!(used, Ok(10_000));
        assert_eq!(ring.consume(50_000_000), if round == 0 { 10_256 } else { 10_000 });
    }
}

/// Reserves room that wraps at the end of the memory, and uses only a part of the room. A ring always makes reserved
/// room contiguous.
#[test]
fn reserve2() {
    let mut memory = [0; 1_024];
    let mut ring = RingBuffer::new(&mut memory);
    for (reserved, used, byte) in
        [(1_024, 512, b'X'), (32, 8, b'Y'), (504, 1, b'Z'), (503, 460, b'W')]
    {
        let written = ring.write_with(reserved, |room| {
            assert_eq!(room.len(), reserved);
            room[..used].fill(byte);
            used
        });
        assert_eq!(written, Ok(used));
    }
    assert_eq!(ring.len(), 981);
    let expected = [&[b'X'; 512][..], &[b'Y'; 8], b"Z", &[b'W'; 460]].concat();
    assert_eq!(all(&ring), expected);
}

/// Reserves more and more room in a ring with `length` bytes. A ring does not grow. A request for more than its room is
/// refused. A request for all of its room succeeds.
fn reserve_more(length: usize) {
    for start in [0, 100, 255] {
        let mut memory = [0; 256];
        let mut ring = ring_at(&mut memory, start, &vec![b'X'; length]);
        for reserved in [128, 200, 256 - length] {
            let room = 256 - length;
            let expected = if reserved <= room { Ok(0) } else { Err(WriteError::Full { room }) };
            assert_eq!(ring.write_with(reserved, |_| 0), expected);
        }
        assert_eq!(ring.write_with(257, |_| 0), Err(WriteError::TooLong { size: 256 }));
        assert_eq!(all(&ring), vec![b'X'; length]);
    }
}

#[test]
fn reserve_many() {
    reserve_more(0);
}

#[test]
fn reserve_many2() {
    reserve_more(1);
}

#[test]
fn reserve_many3() {
    reserve_more(128);
}

/// Reserved bytes that are not committed do not belong to the ring.
#[test]
fn reserve_with_empty() {
    let mut memory = [0; 64];
    let mut ring = RingBuffer::new(&mut memory);
    ring.write(b"").unwrap();
    assert_eq!(ring.write_with(32, |room| room.len() - 31), Ok(1));
    assert_eq!(ring.write_with(63, |_| 0), Ok(0));
    ring.write(b"abc").unwrap();
    assert_eq!(all(&ring), b"\0abc");
}

/// Reserves room right after all bytes were consumed.
#[test]
fn reserve_invalid_last_with_datap() {
    let mut memory = [0; 8];
    let mut ring = RingBuffer::new(&mut memory);
    ring.write(b"12345678").unwrap();
    assert_eq!(ring.write_with(1, |_| 1), Err(WriteError::Full { room: 0 }));
    ring.consume(8);
    assert_eq!(ring.write_with(8, |room| room.len()), Ok(8));
}

/// Reserves contiguous room in three cases: the room is contiguous already, the bytes in the ring must be moved first,
/// and there is not enough room.
#[test]
fn expand() {
    let mut memory = [0; 4_096];
    let mut ring = RingBuffer::new(&mut memory);
    let address = ring.write_with(4_096, |_| 0).map(|_| ring.peek().0.as_ptr()).unwrap();
    ring.write(&[b'X'; 1_024]).unwrap();
    assert_eq!(ring.write_with(1_024, |_| 0), Ok(0));
    assert_eq!(ring.peek().0.as_ptr(), address, "nothing has moved");
    ring.write(&[b'X'; 3_071]).unwrap();
    ring.consume(4_094);
    assert_eq!((ring.len(), ring.write_with(40, |_| 0)), (1, Ok(0)));
    assert_eq!((ring.peek().0.as_ptr(), all(&ring)), (address, b"X".to_vec()), "it was moved");
    assert_eq!(ring.write_with(4_096, |_| 0), Err(WriteError::Full { room: 4_095 }));
}

#[test]
fn expand_overflow() {
    let mut memory = [0; 64];
    let mut ring = RingBuffer::new(&mut memory);
    ring.write(b"held").unwrap();
    for absurd in [usize::MAX, usize::MAX - 1, usize::MAX / 2, 65] {
        assert_eq!(ring.write_with(absurd, |_| 0), Err(WriteError::TooLong { size: 64 }));
    }
    assert_eq!(all(&ring), b"held");
}

#[test]
fn add1() {
    let mut memory = [0; 2_051];
    let mut ring = RingBuffer::new(&mut memory);
    ring.write(b"1").unwrap();
    ring.write_with(2_048, |_| 0).unwrap();
    ring.write(b"2").unwrap();
    write!(ring, "3").unwrap();
    assert_eq!(ring.contiguous(3).unwrap(), b"123");
}

#[test]
fn add2() {
    let mut memory = [0; 600];
    let mut ring = ring_at(&mut memory, 400, &[b'P'; 490]);
    ring.write_with(100, |_| 0).unwrap();
    ring.write(b"2").unwrap();
    write!(ring, "3").unwrap();
    assert_eq!(ring.contiguous(492).unwrap()[489..], *b"P23");
}

/// Writes many small texts. No room is wasted: the ring accepts texts until the next text does not fit.
#[test]
fn iterative() {
    let letters: String = ('a'..='z').cycle().take(104).collect();
    let mut memory = vec![0; 60_000];
    let mut ring = RingBuffer::new(&mut memory);
    let (mut sum, mut texts) = (0, 0);
    for length in (1..104).cycle() {
        match write!(ring, "{:.length$}", letters) {
            Ok(()) => (sum, texts) = (sum + length, texts + 1),
            Err(refused) => {
                assert_eq!(refused, WriteError::Full { room: 60_000 - sum });
                assert!(length > 60_000 - sum);
                break;
            }
        }
    }
    assert_eq!(ring.len(), sum);
    assert!(texts > 1_000 && ring.room() < 104);
}

/// Writes bytes from several slices, all or nothing.
#[test]
fn add_iovec() {
    let mut memory = [0; 20];
    let mut ring = ring_at(&mut memory, 15, b"Guilty");
    let parts = [&b"Guilty"[..], b" pleasure", b"s", b""];
    assert_eq!((ring.write_parts(&parts[1..]), ring.write_parts(&[])), (Ok(10), Ok(0)));
    assert_eq!(all(&ring), parts.concat());
    assert_eq!(ring.write_parts(&[b"12", b"345"]), Err(WriteError::Full { room: 4 }));
    assert_eq!(ring.write_parts(&[&[b'.'; 20], b"."]), Err(WriteError::TooLong { size: 20 }));
    assert_eq!(all(&ring), parts.concat());
    // `write_some` writes as many bytes as fit, from slices of any length.
    let more = [&b"12"[..], b"345", b"6"].map(|part| ring.write_some(part));
    assert_eq!((more, all(&ring).len()), ([2, 2, 0], 20));
}
