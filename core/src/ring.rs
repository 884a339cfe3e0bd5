//! A byte ring. An input ring holds bytes that were received and are not consumed yet. An output ring holds bytes that
//! were written and are not sent yet.
//!
//! ```text
//!            start            start + len
//!              ▼                  ▼
//!  ┌───────────┬──────────────────┬────────┐
//!  │  second   │ first (readable) │ space  │
//!  └───────────┴──────────────────┴────────┘
//! ```
//!
//! The stored bytes can be in two slices: the first slice ends at the end of the storage, and the second slice is at
//! the beginning of the storage. The space can be in two slices, too.
//!
//! A [`Ring`] contains only the numbers `start` and `len`; the storage is passed to each call. No operation allocates
//! memory or loses a byte, and only [`Ring::align`] moves stored bytes.
//!
//! | file | holds |
//! |---|---|
//! | `search.rs` | the search for bytes and for line ends |
//! | `lines.rs` | the next line |
//! | `buffer.rs` | [`RingBuffer`], a ring for applications |

mod buffer;
mod lines;
#[cfg(test)]
mod model;
mod search;

use core::fmt;
use core::ops::{Bound, Range, RangeBounds};

pub use buffer::RingBuffer;
pub(crate) use lines::{Lines, next_line, next_until};
pub use search::Eol;
pub(crate) use search::Searched;

use crate::error::WriteError;

/// The type for numbers of bytes in a ring: 32 bits on 64-bit targets, 16 bits on all other targets.
#[cfg(not(target_pointer_width = "64"))]
pub(crate) type Count = u16;
#[cfg(target_pointer_width = "64")]
pub(crate) type Count = u32;

/// The maximum size of a ring in bytes.
pub(crate) const LONGEST: usize = Count::MAX as usize;

/// The position of the stored bytes in the storage.
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

    /// Returns the stored bytes, oldest first.
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

    /// Returns the room for further bytes, in the order in which it will be filled.
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

    /// Returns a part of the stored bytes, as a ring that uses the same storage. `size` is the size of the storage in
    /// bytes. Returns `None` if the range is reversed or goes beyond the end of the stored bytes.
    pub(crate) fn part(&self, size: usize, range: Range<usize>) -> Option<Self> {
        let len = range.end.checked_sub(range.start)?;
        if range.end > self.len() {
            return None;
        }
        let start = self.start().wrapping_add(range.start);
        let start = start.checked_sub(size).unwrap_or(start);
        Some(Self { start: start as Count, len: len as Count })
    }

    /// Returns the stored bytes from an offset on; an empty ring if the offset is beyond the end.
    pub(crate) fn rest(&self, size: usize, offset: usize) -> Self {
        self.part(size, offset..self.len()).unwrap_or(Self::EMPTY)
    }

    /// Adds up to `amount` bytes to the stored bytes: the first bytes of [`space`](Self::space), into which the caller
    /// has written. `size` is the size of the storage in bytes. Returns the number of bytes added.
    pub(crate) fn commit(&mut self, size: usize, amount: usize) -> usize {
        let amount = amount.min(size.saturating_sub(self.len()));
        self.len = self.len.wrapping_add(amount as Count);
        amount
    }

    /// Discards up to `amount` of the oldest bytes. `size` is the size of the storage in bytes. Returns the number of
    /// bytes discarded.
    pub(crate) fn consume(&mut self, size: usize, amount: usize) -> usize {
        let amount = amount.min(self.len());
        self.len = self.len.wrapping_sub(amount as Count);
        let start = self.start().wrapping_add(amount);
        // The start wraps at the end of the storage. An empty ring restarts at index 0, so that the next bytes are
        // contiguous.
        let start = start.checked_sub(size).unwrap_or(start);
        self.start = if self.len == 0 { 0 } else { start as Count };
        amount
    }

    /// Discards all stored bytes.
    pub(crate) const fn clear(&mut self) {
        *self = Self::EMPTY;
    }

    /// Copies as many bytes of `data` into the ring as fit. Returns the number copied.
    pub(crate) fn write(&mut self, storage: &mut [u8], data: &[u8]) -> usize {
        let (first, second) = self.space(storage);
        let mut amount = copy(first, data);
        if let Some(rest) = data.get(amount..).filter(|rest| !rest.is_empty()) {
            amount = amount.wrapping_add(copy(second, rest));
        }
        self.commit(storage.len(), amount)
    }

    /// Writes several slices, all of them or nothing. `length` is their total length.
    pub(crate) fn write_parts(
        &mut self,
        storage: &mut [u8],
        parts: &[&[u8]],
        length: usize,
    ) -> Result<(), WriteError> {
        self.check_room(storage.len(), length)?;
        for part in parts.iter().filter(|part| !part.is_empty()) {
            self.write(storage, part);
        }
        Ok(())
    }

    /// Writes formatted text, all or nothing. Returns the length of the text. The result is `Ok` if the text was
    /// written, and `Err` if the text did not fit.
    pub(crate) fn write_fmt(
        &mut self,
        storage: &mut [u8],
        text: fmt::Arguments<'_>,
    ) -> Result<usize, usize> {
        let before = *self;
        if fmt::write(&mut Output { ring: self, storage }, text).is_ok() {
            return Ok(self.len().saturating_sub(before.len()));
        }
        *self = before;
        let mut length = Length(0);
        let _ = fmt::write(&mut length, text);
        Err(length.0)
    }

    /// Puts `data` before the oldest byte, all or nothing.
    pub(crate) fn prepend(&mut self, storage: &mut [u8], data: &[u8]) -> Result<(), WriteError> {
        self.check_room(storage.len(), data.len())?;
        if self.len() == 0 {
            self.write(storage, data);
            return Ok(());
        }
        let before = self.start().checked_sub(data.len());
        let start = before
            .unwrap_or_else(|| self.start().wrapping_add(storage.len()).wrapping_sub(data.len()));
        let mut room = Self { start: start as Count, len: 0 };
        let len = self.len().wrapping_add(room.write(storage, data));
        *self = Self { start: start as Count, len: len as Count };
        Ok(())
    }

    /// Moves up to `target.len()` of the oldest bytes into `target`. Returns the number moved.
    pub(crate) fn read(&mut self, storage: &[u8], target: &mut [u8]) -> usize {
        let amount = self.copy_out(storage, target);
        self.consume(storage.len(), amount)
    }

    /// Copies up to `target.len()` of the oldest bytes into `target`. Returns the number copied.
    pub(crate) fn copy_out(&self, storage: &[u8], target: &mut [u8]) -> usize {
        let (first, second) = self.bytes(storage);
        let mut amount = copy(target, first);
        if !second.is_empty() {
            let rest = target.get_mut(amount..).unwrap_or_default();
            amount = amount.wrapping_add(copy(rest, second));
        }
        amount
    }

    /// Moves up to `most` of the oldest bytes to the end of another ring, as many as fit. Returns the number moved.
    pub(crate) fn transfer(
        &mut self,
        storage: &[u8],
        to: &mut Self,
        room: &mut [u8],
        most: usize,
    ) -> usize {
        let part = self.part(storage.len(), 0..most.min(self.len())).unwrap_or(Self::EMPTY);
        let (first, second) = part.bytes(storage);
        let mut amount = to.write(room, first);
        if !second.is_empty() {
            amount = amount.wrapping_add(to.write(room, second));
        }
        self.consume(storage.len(), amount)
    }

    /// Moves the stored bytes to the beginning of the storage. Afterwards the stored bytes are contiguous, and the
    /// space for further bytes is contiguous. O(size of the storage).
    pub(crate) fn align(&mut self, storage: &mut [u8]) {
        if let Some((before, from)) = storage.split_at_mut_checked(self.start()) {
            reverse(before);
            reverse(from);
            reverse(storage);
            self.start = 0;
        }
    }

    /// Returns the oldest `amount` bytes as one slice, and moves the stored bytes if needed; `None` if fewer bytes are
    /// stored.
    pub(crate) fn contiguous<'b>(
        &mut self,
        storage: &'b mut [u8],
        amount: usize,
    ) -> Option<&'b mut [u8]> {
        if self.part(storage.len(), 0..amount)?.bytes(storage).0.len() < amount {
            self.align(storage);
        }
        let end = self.start().wrapping_add(amount);
        storage.get_mut(self.start()..end)
    }

    /// Returns contiguous room for `amount` further bytes, and moves the stored bytes if needed.
    pub(crate) fn reserve<'b>(
        &mut self,
        storage: &'b mut [u8],
        amount: usize,
    ) -> Result<&'b mut [u8], WriteError> {
        self.check_room(storage.len(), amount)?;
        if self.space(storage).0.len() < amount {
            self.align(storage);
        }
        Ok(self.space(storage).0.get_mut(..amount).unwrap_or_default())
    }

    /// Checks that there is room for `amount` further bytes in a storage of `size` bytes.
    pub(crate) const fn check_room(&self, size: usize, amount: usize) -> Result<(), WriteError> {
        if amount <= size.saturating_sub(self.len()) {
            Ok(())
        } else {
            Err(self.full(size, amount))
        }
    }

    /// Returns why `amount` further bytes do not fit in a storage of `size` bytes.
    pub(crate) const fn full(&self, size: usize, amount: usize) -> WriteError {
        if amount > size {
            return WriteError::TooLong { size };
        }
        WriteError::Full { room: size.saturating_sub(self.len()) }
    }
}

/// Returns the total length of several slices.
pub(crate) fn length_of(parts: &[&[u8]]) -> usize {
    parts.iter().fold(0, |sum, part| sum.saturating_add(part.len()))
}

/// Converts a range to a range of offsets in `len` bytes. The end of the range is limited to `len`.
pub(crate) fn offsets(range: impl RangeBounds<usize>, len: usize) -> Range<usize> {
    let start = match range.start_bound() {
        Bound::Included(start) => *start,
        Bound::Excluded(before) => before.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(last) => last.saturating_add(1),
        Bound::Excluded(end) => *end,
        Bound::Unbounded => len,
    };
    start..end.min(len)
}

/// Copies bytes until one of the slices ends. Returns the number copied. Both sub-slices have the length `amount`. The
/// compiler can see this, so the copy contains no code for a panic.
pub(crate) fn copy(target: &mut [u8], source: &[u8]) -> usize {
    let amount = target.len().min(source.len());
    if let (Some(target), Some(source)) = (target.get_mut(..amount), source.get(..amount)) {
        target.copy_from_slice(source);
    }
    amount
}

/// Reverses the order of the bytes. The function does not use the standard library's `reverse`, because the compiled
/// code of `reverse` sometimes contains a panic that can never occur.
fn reverse(bytes: &mut [u8]) {
    if let Some((front, back)) = bytes.split_at_mut_checked(bytes.len() / 2) {
        front
            .iter_mut()
            .zip(back.iter_mut().rev())
            .for_each(|(one, other)| core::mem::swap(one, other));
    }
}

/// Writes as much of a text to a ring as fits.
struct Output<'r> {
    ring: &'r mut Ring,
    storage: &'r mut [u8],
}

impl fmt::Write for Output<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let written = self.ring.write(self.storage, text.as_bytes());
        if written == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

/// Counts the bytes of a text.
struct Length(usize);

impl fmt::Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.saturating_add(text.len());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

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
    fn find_continues_across_the_end() {
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
}
