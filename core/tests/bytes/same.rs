//! A connection and a `RingBuffer` give the same results for the same operations.

use picoevent::{Action, Eol, EventBase, RingBuffer};

use crate::{App, actions, drain_all, feed, open, storage};

/// A pseudo-random generator. The same seed gives the same numbers.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 8) as usize % end
    }

    pub fn bytes(&mut self, most: usize) -> Vec<u8> {
        let length = self.below(most);
        (0..length).map(|_| b"abc\r\n\0"[self.below(6)]).collect()
    }

    fn eol(&mut self) -> Eol {
        [Eol::Crlf, Eol::CrlfStrict, Eol::Lf, Eol::Any, Eol::Nul][self.below(5)]
    }
}

#[test]
fn input_is_read_as_from_a_ring() {
    for size in [1, 2, 7, 16] {
        let (mut storage, mut app) = (storage(), App::default());
        let mut base = EventBase::new(&mut storage);
        let conn = open(&mut base, &mut app, size, 8);
        let (mut memory, mut random) = (vec![0; size], Random(88172645463325252));
        let mut ring = RingBuffer::new(&mut memory);
        for _ in 0..5_000 {
            let data = random.bytes(size + 3);
            assert_eq!(feed(&mut base, conn, &data), ring.write_some(&data));
            actions(&mut base);
            let was_full = ring.room() == 0;
            let mut view = base.conn(conn).unwrap();
            let (one, other, eol) = (random.below(9), random.below(9), random.eol());
            let (mut here, mut there) = ([0; 9], [0; 9]);
            let (here, there) = (&mut here[..one], &mut there[..one]);
            match random.below(11) {
                0 => assert_eq!(view.consume(one), ring.consume(one)),
                1 => assert_eq!(view.read(here), ring.read(there)),
                2 => assert_eq!(view.copy_out(other, here), ring.copy_out(other, there)),
                3 => assert_eq!(view.contiguous(one), ring.contiguous(one)),
                4 => assert_eq!(view.prepend(&data), ring.prepend(&data)),
                5 => assert_eq!(view.find_in(b"a", one..other), ring.find_in(b"a", one..other)),
                6 => assert_eq!(view.find_eol(eol), ring.find_eol(eol)),
                7 => assert_eq!(view.read_line_with(eol, here), ring.read_line_with(eol, there)),
                8 => assert_eq!(view.take_line(eol), ring.take_line(eol)),
                9 => assert_eq!(view.read_until(&data, here), ring.read_until(&data, there)),
                _ => {
                    let mut memories = [[0; 6]; 2];
                    let [mut one, mut two] = memories.each_mut().map(|to| RingBuffer::new(to));
                    let moved = view.transfer_to_ring(&mut one, other);
                    assert_eq!(moved, ring.transfer(&mut two, other));
                    assert_eq!(one.peek(), two.peek());
                }
            }
            assert_eq!(here, there);
            let (first, second) = view.peek();
            let (one, other) = ring.peek();
            assert_eq!([first, second].concat(), [one, other].concat());
            assert_eq!((view.input_len(), view.find(b"\r\n")), (ring.len(), ring.find(b"\r\n")));
            // If the ring was full and has room again, the base requests that the back end receives again.
            let requested = actions(&mut base).contains(&Action::Receive(conn));
            assert_eq!(requested, was_full && ring.room() > 0);
        }
    }
}

#[test]
fn output_is_written_as_to_a_ring() {
    for size in [1, 2, 7, 16] {
        let (mut storage, mut app) = (storage(), App::default());
        let mut base = EventBase::new(&mut storage);
        let conn = open(&mut base, &mut app, 8, size);
        let (mut memory, mut random) = (vec![0; size], Random(2463534242));
        let mut ring = RingBuffer::new(&mut memory);
        for _ in 0..5_000 {
            actions(&mut base);
            let (data, used) = (random.bytes(size + 3), random.below(9));
            let text = std::str::from_utf8(&data).unwrap();
            let before = ring.len();
            let mut view = base.conn(conn).unwrap();
            match random.below(7) {
                0 => assert_eq!(view.write(&data), ring.write(&data)),
                5 => {
                    let parts = [&data[..], text.as_bytes().get(..used).unwrap_or_default()];
                    assert_eq!(view.write_parts(&parts), ring.write_parts(&parts));
                }
                1 => assert_eq!(view.write_some(&data), ring.write_some(&data)),
                2 => assert_eq!(write!(view, "{used}{text}"), write!(ring, "{used}{text}")),
                3 => {
                    let fill = |room: &mut [u8]| {
                        room.copy_from_slice(&data);
                        used
                    };
                    let written = view.write_with(data.len(), fill);
                    assert_eq!(written, ring.write_with(data.len(), fill));
                }
                4 => {
                    let mut memories = [[0; 6]; 2];
                    let [mut one, mut two] = memories.each_mut().map(|from| RingBuffer::new(from));
                    assert_eq!(one.write_some(&data), two.write_some(&data));
                    let moved = view.transfer_from_ring(&mut one, used);
                    assert_eq!(moved, two.transfer(&mut ring, used));
                    assert_eq!(one.peek(), two.peek());
                }
                _ => {
                    let sent = drain_all(&mut base, conn);
                    assert_eq!(ring.contiguous(ring.len()).unwrap(), sent);
                    ring.clear();
                }
            }
            let grew = ring.len() > before;
            assert_eq!(actions(&mut base).contains(&Action::Send(conn)), grew);
            let view = base.conn(conn).unwrap();
            assert_eq!((view.output_len(), view.room()), (ring.len(), ring.room()));
        }
    }
}

#[test]
fn text_can_be_written_through_the_trait_fmt_write() {
    fn report(to: &mut impl std::fmt::Write) -> std::fmt::Result {
        write!(to, "{}, ", 12)?;
        to.write_str("34")
    }
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app, 8, 6);
    let mut memory = [0; 6];
    let mut ring = RingBuffer::new(&mut memory);
    for _ in 0..2 {
        // In the second round, the rings have no room.
        let reported = report(&mut ring);
        assert_eq!(report(&mut base.conn(conn).unwrap()), reported);
        assert_eq!(ring.contiguous(6).unwrap(), b"12, 34");
    }
    assert_eq!(drain_all(&mut base, conn), b"12, 34");
}
