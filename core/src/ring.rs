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

/// A number of bytes in a ring: two bytes except on 64-bit targets.
#[cfg(not(target_pointer_width = "64"))]
pub(crate) type Count = u16;
#[cfg(target_pointer_width = "64")]
pub(crate) type Count = u32;

/// The maximum size of a ring in bytes.
pub(crate) const LONGEST: usize = Count::MAX as usize;

/// The position of the held bytes in their storage.
#[derive(Clone, Copy)]
pub(crate) struct Ring {
    start: Count,
    len: Count,
}

impl Ring {
    pub(crate) const EMPTY: Self = Self { start: 0, len: 0 };

    pub(crate) const fn len(&self) -> usize {
        self.len as usize
    }

    pub(crate) const fn start(&self) -> usize {
        self.start as usize
    }

    /// Returns the bytes held, oldest first.
    pub(crate) fn bytes<'b>(&self, storage: &'b [u8]) -> (&'b [u8], &'b [u8]) {
        let end = self.start().wrapping_add(self.len());
        match end.checked_sub(storage.len()) {
            None | Some(0) => (storage.get(self.start()..end).unwrap_or_default(), &[]),
            Some(wrapped) => (
                storage.get(self.start()..).unwrap_or_default(),
                storage.get(..wrapped).unwrap_or_default(),
            ),
        }
    }

    /// Returns the room for further bytes, in the order it will be filled.
    pub(crate) fn space<'b>(&self, storage: &'b mut [u8]) -> (&'b mut [u8], &'b mut [u8]) {
        let end = self.start().wrapping_add(self.len());
        match end.checked_sub(storage.len()) {
            None => match storage.split_at_mut_checked(end) {
                Some((before, first)) => {
                    (first, before.get_mut(..self.start()).unwrap_or_default())
                }
                None => Default::default(),
            },
            Some(wrapped) => {
                (storage.get_mut(wrapped..self.start()).unwrap_or_default(), Default::default())
            }
        }
    }

    /// Counts `amount` bytes of the space as held, in a storage of `size` bytes. Returns how many there
    /// was room for.
    pub(crate) fn commit(&mut self, size: usize, amount: usize) -> usize {
        let amount = amount.min(size.saturating_sub(self.len()));
        self.len = self.len.wrapping_add(amount as Count);
        amount
    }

    /// Discards up to `amount` of the oldest bytes, in a storage of `size` bytes. Returns the number.
    pub(crate) fn consume(&mut self, size: usize, amount: usize) -> usize {
        let amount = amount.min(self.len());
        self.len = self.len.wrapping_sub(amount as Count);
        let start = self.start().wrapping_add(amount);
        // An empty ring starts over, so that the next bytes are in one piece.
        let start = start.checked_sub(size).unwrap_or(start);
        self.start = if self.len == 0 { 0 } else { start as Count };
        amount
    }

    /// Discards everything.
    pub(crate) const fn clear(&mut self) {
        *self = Self::EMPTY;
    }

    /// Copies as much of `data` as fits. Returns the number of bytes copied.
    pub(crate) fn write(&mut self, storage: &mut [u8], data: &[u8]) -> usize {
        let (first, second) = self.space(storage);
        let mut amount = copy(first, data);
        if let Some(rest) = data.get(amount..).filter(|rest| !rest.is_empty()) {
            amount = amount.wrapping_add(copy(second, rest));
        }
        self.commit(storage.len(), amount)
    }

    /// Moves up to `target.len()` of the oldest bytes into `target`. Returns the number moved.
    pub(crate) fn read(&mut self, storage: &[u8], target: &mut [u8]) -> usize {
        let (first, second) = self.bytes(storage);
        let mut amount = copy(target, first);
        if !second.is_empty() {
            let rest = target.get_mut(amount..).unwrap_or_default();
            amount = amount.wrapping_add(copy(rest, second));
        }
        self.consume(storage.len(), amount)
    }

    /// Returns the offset, from the oldest byte, at which `needle` first occurs in full; an empty needle
    /// occurs at 0. O(held × needle).
    pub(crate) fn find(&self, storage: &[u8], needle: &[u8]) -> Option<usize> {
        let (first, second) = self.bytes(storage);
        let last = self.len().checked_sub(needle.len())?;
        (0..=last).find(|from| {
            let held = first.iter().chain(second).skip(*from);
            held.zip(needle).all(|(held, wanted)| held == wanted)
        })
    }
}

/// Copies as much as both have. Returns the number of bytes copied. A loop, which becomes a `memcpy`,
/// because `copy_from_slice` can panic.
pub(crate) fn copy(target: &mut [u8], source: &[u8]) -> usize {
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
        assert_eq!(ring.consume(5, 3), 3);
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
        ring.consume(6, 3);
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
        assert_eq!((ring.read(&[], &mut [0]), ring.consume(0, 9), ring.len()), (0, 0, 0));
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
