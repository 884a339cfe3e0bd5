//! A byte ring: the bytes a connection has received and not consumed, or written and not sent.
//!
//! ```text
//!            start            start + len
//!              ▼                  ▼
//!  ┌───────────┬──────────────────┬────────┐
//!  │  second   │ first (readable) │ space  │   both sides can be two slices: up to the end of the
//!  └───────────┴──────────────────┴────────┘   storage, and on from its beginning
//! ```
//!
//! The [`Ring`] holds the two numbers, the storage comes with each call. No operation allocates,
//! moves what is held, or drops a byte.

/// Where the held bytes stand in their storage.
#[derive(Clone, Copy)]
pub(crate) struct Ring {
    start: usize,
    len: usize,
}

impl Ring {
    pub(crate) const EMPTY: Self = Self { start: 0, len: 0 };

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The bytes held, oldest first.
    pub(crate) fn bytes<'b>(&self, storage: &'b [u8]) -> (&'b [u8], &'b [u8]) {
        let (before, from_start) = storage.split_at_checked(self.start).unwrap_or_default();
        match from_start.split_at_checked(self.len) {
            Some((first, _)) => (first, &[]),
            None => {
                let rest = self.len.saturating_sub(from_start.len());
                (from_start, before.get(..rest).unwrap_or(before))
            }
        }
    }

    /// The room for further bytes, in the order it will be filled.
    pub(crate) fn space<'b>(&self, storage: &'b mut [u8]) -> (&'b mut [u8], &'b mut [u8]) {
        let Some((before, from_start)) = storage.split_at_mut_checked(self.start) else {
            return Default::default();
        };
        match self.len.checked_sub(from_start.len()) {
            None => match from_start.split_at_mut_checked(self.len) {
                Some((_, first)) => (first, before),
                None => Default::default(),
            },
            Some(wrapped) => match before.split_at_mut_checked(wrapped) {
                Some((_, first)) => (first, &mut []),
                None => Default::default(),
            },
        }
    }

    /// Counts `amount` bytes of the space as held; how many there was room for.
    pub(crate) fn commit(&mut self, storage: &[u8], amount: usize) -> usize {
        let amount = amount.min(storage.len().saturating_sub(self.len));
        self.len = self.len.saturating_add(amount);
        amount
    }

    /// Lets the oldest `amount` bytes go; how many there were.
    pub(crate) fn consume(&mut self, storage: &[u8], amount: usize) -> usize {
        let amount = amount.min(self.len);
        self.len = self.len.saturating_sub(amount);
        let start = self.start.saturating_add(amount);
        // An empty ring starts over, so that the next bytes stand in one piece.
        self.start =
            if self.len == 0 { 0 } else { start.checked_sub(storage.len()).unwrap_or(start) };
        amount
    }

    /// Lets everything go.
    pub(crate) const fn clear(&mut self) {
        *self = Self::EMPTY;
    }

    /// Copies as much of `data` as fits; how much that was.
    pub(crate) fn write(&mut self, storage: &mut [u8], data: &[u8]) -> usize {
        let (first, second) = self.space(storage);
        let taken = copy(first, data);
        let rest = data.get(taken..).unwrap_or_default();
        let amount = taken.saturating_add(copy(second, rest));
        self.commit(storage, amount)
    }

    /// Moves as many bytes to `target` as it has room for; how many that was.
    pub(crate) fn read(&mut self, storage: &[u8], target: &mut [u8]) -> usize {
        let (first, second) = self.bytes(storage);
        let taken = copy(target, first);
        let rest = target.get_mut(taken..).unwrap_or_default();
        let amount = taken.saturating_add(copy(rest, second));
        self.consume(storage, amount)
    }

    /// The offset, from the oldest byte, of the first place where `needle` stands whole; an empty
    /// needle stands at once. O(held × needle).
    pub(crate) fn find(&self, storage: &[u8], needle: &[u8]) -> Option<usize> {
        let (first, second) = self.bytes(storage);
        let last = self.len.checked_sub(needle.len())?;
        (0..=last).find(|from| {
            let held = first.iter().chain(second).skip(*from);
            held.zip(needle).all(|(held, wanted)| held == wanted)
        })
    }
}

/// Copies as much as both have; how much that was. Written as a loop, which becomes a `memcpy`,
/// because `copy_from_slice` can panic.
fn copy(target: &mut [u8], source: &[u8]) -> usize {
    target.iter_mut().zip(source).for_each(|(target, source)| *target = *source);
    target.len().min(source.len())
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::collections::VecDeque;
    use std::vec::Vec;

    #[test]
    fn bytes_come_out_as_they_went_in_across_the_end() {
        let (mut ring, mut storage) = (Ring::EMPTY, [0; 5]);
        assert_eq!(ring.write(&mut storage, b"abcd"), 4);
        assert_eq!(ring.consume(&storage, 3), 3);
        assert_eq!(ring.write(&mut storage, b"efgh!"), 4, "what does not fit is not taken");
        assert_eq!(ring.bytes(&storage), (&b"de"[..], &b"fgh"[..]));
        let mut target = [0; 8];
        assert_eq!(ring.read(&storage, &mut target), 5);
        assert_eq!(&target[..5], b"defgh");
    }

    #[test]
    fn find_looks_across_the_end() {
        let (mut ring, mut storage) = (Ring::EMPTY, [0; 6]);
        ring.write(&mut storage, b"xxxx");
        ring.consume(&storage, 3);
        ring.write(&mut storage, b"a\r\nb");
        assert_eq!(ring.find(&storage, b"\r\n"), Some(2));
        assert_eq!(ring.find(&storage, b"\n\r"), None);
        assert_eq!(ring.find(&storage, b""), Some(0));
        assert_eq!(ring.find(&storage, b"longer than held"), None);
    }

    #[test]
    fn a_ring_of_no_bytes_is_always_full_and_empty() {
        let mut ring = Ring::EMPTY;
        assert_eq!(ring.write(&mut [], b"a"), 0);
        assert_eq!((ring.read(&[], &mut [0]), ring.consume(&[], 9), ring.len()), (0, 0, 0));
    }

    #[test]
    fn the_ring_agrees_with_a_deque() {
        let mut random = 88172645463325252_u64;
        let mut draw = move |below: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random as usize % below
        };
        for size in [1, 2, 3, 7, 64] {
            let (mut ring, mut storage) = (Ring::EMPTY, std::vec![0; size]);
            let mut model = VecDeque::new();
            for turn in 0..20_000 {
                let amount = draw(size + 3);
                if draw(2) == 0 {
                    let data: Vec<u8> = (0..amount).map(|at| (turn + at) as u8).collect();
                    let taken = ring.write(&mut storage, &data);
                    assert_eq!(taken, amount.min(size - model.len()));
                    model.extend(&data[..taken]);
                } else {
                    let mut target = std::vec![0; amount];
                    let taken = ring.read(&storage, &mut target);
                    let expected: Vec<u8> = model.drain(..amount.min(model.len())).collect();
                    assert_eq!(target[..taken], expected);
                }
                let (first, second) = ring.bytes(&storage);
                assert!(first.iter().chain(second).eq(model.iter()));
                let (first, second) = ring.space(&mut storage);
                assert_eq!(first.len() + second.len(), size - model.len());
            }
        }
    }
}
