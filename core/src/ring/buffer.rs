//! A ring buffer for applications. Its methods for bytes are the same as the methods of a connection.

use core::fmt;
use core::ops::{Range, RangeBounds};

use super::{Eol, LONGEST, Lines, Ring, Searched, length_of, next_line, next_until, offsets};
use crate::error::{LineError, WriteError};

/// A ring buffer in the application's memory, like an `evbuffer` without a connection.
///
/// A ring in a memory of `n` bytes can hold `n` bytes. The methods have the same names, meaning and code as the methods
/// of a connection, [`ConnMut`](crate::ConnMut). Bytes are written at the end and read from the beginning. No bytes are
/// lost on an error.
///
/// This example reads lines from another source, for example a serial port:
///
/// ```
/// use picoevent::{Eol, LineError, RingBuffer};
///
/// let mut memory = [0; 16];
/// let mut ring = RingBuffer::new(&mut memory);
/// let mut lines = Vec::new();
/// for part in ["get te", "mp\r\nset interval=100\r", "\nquit\n"] {
///     for byte in part.bytes() {
///         ring.write(&[byte])?;
///         while let Some(line) = ring.take_line(Eol::Crlf) {
///             lines.push(line.map(<[u8]>::to_vec));
///         }
///     }
/// }
/// assert_eq!(lines, [
///     Ok(b"get temp".to_vec()),
///     Err(LineError::TooLong), // Returned once; the rest of the line is skipped.
///     Ok(b"quit".to_vec()),
/// ]);
/// # Ok::<(), picoevent::WriteError>(())
/// ```
///
/// This example writes, searches and reads bytes, and builds bytes directly in the ring:
///
/// ```
/// use picoevent::{RingBuffer, WriteError};
///
/// let mut memory = [0; 16];
/// let mut ring = RingBuffer::new(&mut memory);
/// write!(ring, "{:>4}", 42)?;
/// ring.write(b" C")?;
/// ring.prepend(b"t=")?;
/// assert_eq!(ring.write(b" or 107 F"), Err(WriteError::Full { room: 8 }));
/// assert_eq!(ring.write_some(b" or 107 F"), 8);
/// assert_eq!(ring.contiguous(4).unwrap(), b"t=  ");
/// assert_eq!((ring.find(b"C"), ring.find_in(b"C", 0..7)), (Some(7), None));
/// let mut unit = [0; 1];
/// ring.copy_out(7, &mut unit);
/// assert_eq!((unit, ring.len()), (*b"C", 16));
///
/// ring.consume(8);
/// let used = ring.write_with(8, |room| {
///     room[..3].copy_from_slice(b"abc");
///     3
/// })?;
/// assert_eq!((used, ring.len()), (3, 11));
/// # Ok::<(), WriteError>(())
/// ```
///
/// On 32-bit targets, at most [`MAX_RING`](crate::memory::MAX_RING) bytes of the memory are used.
pub struct RingBuffer<'b> {
    storage: &'b mut [u8],
    ring: Ring,
    lines: Lines,
}

impl<'b> RingBuffer<'b> {
    /// Makes an empty ring that uses `storage`.
    pub fn new(storage: &'b mut [u8]) -> Self {
        let size = storage.len().min(LONGEST);
        let storage = storage.get_mut(..size).unwrap_or_default();
        Self { storage, ring: Ring::EMPTY, lines: Lines::NEW }
    }

    /// Returns the number of bytes that the ring holds.
    pub const fn len(&self) -> usize {
        self.ring.len()
    }

    /// Returns whether the ring holds no bytes.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of bytes that the ring can hold.
    pub const fn capacity(&self) -> usize {
        self.storage.len()
    }

    /// Returns the number of bytes that can be written now.
    pub const fn room(&self) -> usize {
        self.capacity().saturating_sub(self.len())
    }

    /// Discards all bytes, including an incomplete line.
    pub const fn clear(&mut self) {
        self.ring.clear();
        self.lines = Lines::NEW;
    }
}

/// Writing.
impl RingBuffer<'_> {
    /// Writes all of `data`, or nothing.
    ///
    /// # Errors
    /// [`WriteError::Full`] if `data` does not fit now, [`WriteError::TooLong`] if it can never fit.
    pub fn write(&mut self, data: &[u8]) -> Result<(), WriteError> {
        self.ring.check_room(self.storage.len(), data.len())?;
        self.ring.write(self.storage, data);
        Ok(())
    }

    /// Writes several byte slices, one after the other: all of them or nothing. Returns the number of bytes written.
    ///
    /// # Errors
    /// The same as for [`write`](Self::write), with the total length of `parts`.
    pub fn write_parts(&mut self, parts: &[&[u8]]) -> Result<usize, WriteError> {
        let length = length_of(parts);
        self.ring.write_parts(self.storage, parts, length)?;
        Ok(length)
    }

    /// Writes formatted text, all or nothing. `write!(ring, "{value}\r\n")` calls this function, so you need not import
    /// a trait.
    ///
    /// # Errors
    /// The same as for [`write`](Self::write). A text that does not fit is formatted a second time, to find its length.
    pub fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> Result<(), WriteError> {
        let written = self.ring.write_fmt(self.storage, text);
        written.map(drop).map_err(|length| self.ring.full(self.storage.len(), length))
    }

    /// Writes as much of `data` as fits. Returns the number of bytes written.
    pub fn write_some(&mut self, data: &[u8]) -> usize {
        self.ring.write(self.storage, data)
    }

    /// Reserves `amount` contiguous bytes of room, calls `fill` to write into them, and commits as many bytes as `fill`
    /// returns. Returns the number of committed bytes. O(size of the ring) if the room is not contiguous.
    ///
    /// # Errors
    /// The same as for [`write`](Self::write), and [`WriteError::Unreserved`] if `fill` returns more than `amount`.
    /// After an error nothing is committed.
    pub fn write_with(
        &mut self,
        amount: usize,
        fill: impl FnOnce(&mut [u8]) -> usize,
    ) -> Result<usize, WriteError> {
        let used = fill(self.ring.reserve(self.storage, amount)?);
        if used > amount {
            return Err(WriteError::Unreserved);
        }
        Ok(self.ring.commit(self.storage.len(), used))
    }

    /// Puts `data` before the oldest byte, all or nothing.
    ///
    /// # Errors
    /// The same as for [`write`](Self::write).
    pub fn prepend(&mut self, data: &[u8]) -> Result<(), WriteError> {
        self.lines.searched = Searched::NOTHING;
        self.ring.prepend(self.storage, data)
    }
}

/// Reading.
impl RingBuffer<'_> {
    /// Returns the bytes held, oldest first. The second slice follows the first.
    pub fn peek(&self) -> (&[u8], &[u8]) {
        self.ring.bytes(self.storage)
    }

    /// Returns the bytes held from `offset` on; empty slices if `offset` is beyond the end.
    pub fn peek_from(&self, offset: usize) -> (&[u8], &[u8]) {
        self.ring.rest(self.storage.len(), offset).bytes(self.storage)
    }

    /// Copies up to `target.len()` bytes, from `offset` on, into `target`. Returns the number copied.
    pub fn copy_out(&self, offset: usize, target: &mut [u8]) -> usize {
        self.ring.rest(self.storage.len(), offset).copy_out(self.storage, target)
    }

    /// Returns the oldest `amount` bytes as one slice; `None` if fewer bytes are held. O(size of the ring) if these
    /// bytes are not contiguous, because then the method must move the bytes of the ring.
    pub fn contiguous(&mut self, amount: usize) -> Option<&mut [u8]> {
        // The caller may change the bytes, so they must be searched again.
        self.lines.searched = Searched::NOTHING;
        self.ring.contiguous(self.storage, amount)
    }

    /// Discards up to `amount` of the oldest bytes. Returns the number discarded.
    pub fn consume(&mut self, amount: usize) -> usize {
        self.lines.searched = Searched::NOTHING;
        self.ring.consume(self.storage.len(), amount)
    }

    /// Moves up to `target.len()` of the oldest bytes into `target`. Returns the number moved.
    pub fn read(&mut self, target: &mut [u8]) -> usize {
        self.lines.searched = Searched::NOTHING;
        self.ring.read(self.storage, target)
    }

    /// Moves up to `most` of the oldest bytes to the end of another ring, as many as fit. Returns the number moved.
    pub fn transfer(&mut self, to: &mut RingBuffer<'_>, most: usize) -> usize {
        let RingBuffer { storage, ring, .. } = to;
        self.transfer_to(ring, storage, most)
    }

    pub(crate) fn transfer_to(&mut self, to: &mut Ring, room: &mut [u8], most: usize) -> usize {
        self.lines.searched = Searched::NOTHING;
        self.ring.transfer(self.storage, to, room, most)
    }

    pub(crate) fn transfer_from(&mut self, from: &mut Ring, storage: &[u8], most: usize) -> usize {
        from.transfer(storage, &mut self.ring, self.storage, most)
    }
}

/// Searching.
impl RingBuffer<'_> {
    /// Returns the offset at which `needle` first occurs completely; 0 for an empty needle, `None` if
    /// the needle does not occur.
    pub fn find(&self, needle: &[u8]) -> Option<usize> {
        self.ring.find(self.storage, needle)
    }

    /// Returns the offset at which `needle` first occurs completely within a range of offsets, for example `5..` or
    /// `..64`. `None` for a range that is reversed or starts beyond the end of the bytes held. If the range ends beyond
    /// the end of the bytes held, only the bytes held are searched.
    pub fn find_in(&self, needle: &[u8], range: impl RangeBounds<usize>) -> Option<usize> {
        self.ring.find_in(self.storage, needle, offsets(range, self.len()))
    }

    /// Returns the position of the first end-of-line sequence, as a range of offsets: the line ends at the start of the
    /// range, and the next line begins at the end of the range. `None` while the ring contains no end-of-line sequence.
    /// A line may arrive in several parts. The first 8,191 bytes are not searched twice if each call searches for the same
    /// `eol`.
    pub fn find_eol(&mut self, eol: Eol) -> Option<Range<usize>> {
        self.ring.find_eol(self.storage, eol, &mut self.lines.searched)
    }
}

/// Lines and other delimited messages.
impl RingBuffer<'_> {
    /// Moves the next line into `buffer`. Returns the line without its end, `\n` or `\r\n`; `None` while there is no
    /// complete line. A line longer than `buffer` or the ring is reported once, as [`LineError::TooLong`], and skipped
    /// to its end.
    pub fn read_line<'t>(&mut self, buffer: &'t mut [u8]) -> Option<Result<&'t str, LineError>> {
        let line = self.read_line_with(Eol::Crlf, buffer)?;
        Some(line.and_then(|line| str::from_utf8(line).map_err(|_| LineError::NotText)))
    }

    /// Moves the next line into `buffer`, like [`read_line`](Self::read_line), but returns bytes and supports every
    /// [`Eol`].
    pub fn read_line_with<'t>(
        &mut self,
        eol: Eol,
        buffer: &'t mut [u8],
    ) -> Option<Result<&'t [u8], LineError>> {
        Some(self.ring.read_line(self.storage, &mut self.lines, eol, buffer)?.map(|line| &*line))
    }

    /// Takes the next line without a copy. Overlong and incomplete lines are handled as in
    /// [`read_line`](Self::read_line). The returned line is a slice of the ring. It is valid until the ring is used
    /// again. O(size of the ring) if the line is not contiguous.
    pub fn take_line(&mut self, eol: Eol) -> Option<Result<&[u8], LineError>> {
        let line = self.ring.take_line(self.storage, &mut self.lines, eol)?;
        Some(line.map(|line| self.storage.get(line).unwrap_or_default()))
    }

    /// Moves the bytes up to and including `end` into `buffer`. Returns these bytes; `None` while `end` has not
    /// arrived, and if `end` is empty.
    ///
    /// # Errors
    /// [`LineError::TooLong`] if these bytes do not fit into `buffer` or the ring. The bytes are kept.
    pub fn read_until<'t>(
        &mut self,
        end: &[u8],
        buffer: &'t mut [u8],
    ) -> Option<Result<&'t [u8], LineError>> {
        let length = next_until(&self.ring, self.storage, end, buffer.len())?;
        Some(length.map(|length| {
            let target = buffer.get_mut(..length).unwrap_or_default();
            self.read(target);
            &*target
        }))
    }
}

/// Each call of `write_str` writes its string completely or not at all. A formatted text can need several calls. So an
/// error can leave a part of the text in the ring. [`RingBuffer::write_fmt`] writes the whole text or nothing.
impl fmt::Write for RingBuffer<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write(text.as_bytes()).map_err(|_| fmt::Error)
    }
}

impl Ring {
    /// Moves the next line into `buffer`; see [`RingBuffer::read_line`].
    pub(crate) fn read_line<'t>(
        &mut self,
        storage: &[u8],
        lines: &mut Lines,
        eol: Eol,
        buffer: &'t mut [u8],
    ) -> Option<Result<&'t mut [u8], LineError>> {
        let end = next_line(self, storage, lines, eol, buffer.len())?;
        Some(end.map(|end| {
            let target = buffer.get_mut(..end.start).unwrap_or_default();
            self.copy_out(storage, target);
            self.consume(storage.len(), end.end);
            lines.searched = Searched::NOTHING;
            target
        }))
    }

    /// Takes the next line. Returns its range in the storage.
    pub(crate) fn take_line(
        &mut self,
        storage: &mut [u8],
        lines: &mut Lines,
        eol: Eol,
    ) -> Option<Result<Range<usize>, LineError>> {
        let end = next_line(self, storage, lines, eol, usize::MAX)?;
        Some(end.map(|end| {
            self.contiguous(storage, end.start);
            let line = self.start()..self.start().saturating_add(end.start);
            self.consume(storage.len(), end.end);
            lines.searched = Searched::NOTHING;
            line
        }))
    }
}
