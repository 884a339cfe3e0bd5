//! A ring of the application's own, with the verbs of a connection's bytes.

use core::fmt;
use core::ops::{Range, RangeBounds};

use super::{Eol, LONGEST, Lines, Ring, Searched, length_of, next_line, next_until, offsets};
use crate::error::{LineError, WriteError};

/// A ring buffer over memory of the application (a free-standing `evbuffer`).
///
/// A ring of `n` bytes holds `n` bytes. Its verbs have the names and the meanings of those of a connection,
/// [`ConnMut`](crate::ConnMut), and the same code: what a connection writes is written at the end, what it
/// reads is read from the beginning. Nothing is lost on an error.
///
/// A reader of lines for bytes that come from somewhere else, a serial port for instance:
///
/// ```
/// use picoevent::{Eol, LineError, RingBuffer};
///
/// let mut memory = [0; 16];
/// let mut ring = RingBuffer::new(&mut memory);
/// let mut lines = Vec::new();
/// for piece in ["get te", "mp\r\nset interval=100\r", "\nquit\n"] {
///     for byte in piece.bytes() {
///         ring.write(&[byte])?;
///         while let Some(line) = ring.take_line(Eol::Crlf) {
///             lines.push(line.map(<[u8]>::to_vec));
///         }
///     }
/// }
/// assert_eq!(lines, [
///     Ok(b"get temp".to_vec()),
///     Err(LineError::TooLong), // Once; the rest of the line is skipped.
///     Ok(b"quit".to_vec()),
/// ]);
/// # Ok::<(), picoevent::WriteError>(())
/// ```
///
/// Writing, also in place, and looking at what is held:
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
/// On 32-bit targets at most [`MAX_RING`](crate::memory::MAX_RING) bytes of the memory are used.
pub struct RingBuffer<'b> {
    storage: &'b mut [u8],
    ring: Ring,
    lines: Lines,
}

impl<'b> RingBuffer<'b> {
    /// Makes an empty ring over `storage`, as long as it.
    pub fn new(storage: &'b mut [u8]) -> Self {
        let size = storage.len().min(LONGEST);
        let storage = storage.get_mut(..size).unwrap_or_default();
        Self { storage, ring: Ring::EMPTY, lines: Lines::NEW }
    }

    /// Returns the number of bytes held.
    pub const fn len(&self) -> usize {
        self.ring.len()
    }

    /// Returns whether no bytes are held.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of bytes that can be held.
    pub const fn capacity(&self) -> usize {
        self.storage.len()
    }

    /// Returns the number of bytes that can be written now.
    pub const fn room(&self) -> usize {
        self.capacity().saturating_sub(self.len())
    }

    /// Discards everything, the beginning of a line included.
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
    /// [`WriteError::Full`] when it does not fit now, [`WriteError::TooLong`] when it never will.
    pub fn write(&mut self, data: &[u8]) -> Result<(), WriteError> {
        self.ring.check_room(self.storage.len(), data.len())?;
        self.ring.write(self.storage, data);
        Ok(())
    }

    /// Writes all of several pieces, one behind the other, or nothing. Returns the number of bytes written.
    ///
    /// # Errors
    /// As [`write`](Self::write), for all of them together.
    pub fn write_parts(&mut self, parts: &[&[u8]]) -> Result<usize, WriteError> {
        let length = length_of(parts);
        self.ring.write_parts(self.storage, parts, length)?;
        Ok(length)
    }

    /// Writes formatted text, all or nothing. It is what `write!(ring, "{value}\r\n")` calls; no trait is to
    /// be imported.
    ///
    /// # Errors
    /// As [`write`](Self::write). Then the text was formatted twice, for its length.
    pub fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> Result<(), WriteError> {
        let written = self.ring.write_fmt(self.storage, text);
        written.map(drop).map_err(|length| self.ring.full(self.storage.len(), length))
    }

    /// Writes as much of `data` as fits. Returns the number of bytes written.
    pub fn write_some(&mut self, data: &[u8]) -> usize {
        self.ring.write(self.storage, data)
    }

    /// Reserves `amount` bytes of room in one piece, lets `fill` write there, and commits as many of them as
    /// it returns. Returns that number. O(size of the ring) if the room is not in one piece.
    ///
    /// # Errors
    /// As [`write`](Self::write), and [`WriteError::Unreserved`] when `fill` returns more than `amount`.
    /// Nothing was committed then.
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
    /// As [`write`](Self::write).
    pub fn prepend(&mut self, data: &[u8]) -> Result<(), WriteError> {
        self.lines.searched = Searched::NOTHING;
        self.ring.prepend(self.storage, data)
    }
}

/// Reading.
impl RingBuffer<'_> {
    /// Returns the bytes held, oldest first; the second slice continues the first.
    pub fn peek(&self) -> (&[u8], &[u8]) {
        self.ring.bytes(self.storage)
    }

    /// Returns the bytes held from `offset` on; nothing beyond the end.
    pub fn peek_from(&self, offset: usize) -> (&[u8], &[u8]) {
        self.ring.rest(self.storage.len(), offset).bytes(self.storage)
    }

    /// Copies bytes from `offset` on into `target`, as many as are there. Returns the number copied.
    pub fn copy_out(&self, offset: usize, target: &mut [u8]) -> usize {
        self.ring.rest(self.storage.len(), offset).copy_out(self.storage, target)
    }

    /// Returns the oldest `amount` bytes in one piece; `None` if fewer are held. O(size of the ring) if they
    /// are not in one piece, since they are moved then.
    pub fn contiguous(&mut self, amount: usize) -> Option<&mut [u8]> {
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

    /// Moves up to `most` of the oldest bytes to the end of another ring, as many as that has room for.
    /// Returns the number moved.
    pub fn transfer(&mut self, to: &mut RingBuffer<'_>, most: usize) -> usize {
        let RingBuffer { storage, ring, .. } = to;
        self.transfer_to(ring, storage, most)
    }

    pub(crate) fn transfer_to(&mut self, to: &mut Ring, room: &mut [u8], most: usize) -> usize {
        self.lines.searched = Searched::NOTHING;
        self.ring.transfer(self.storage, to, room, most)
    }

    pub(crate) fn transfer_from(&mut self, from: &mut Ring, held: &[u8], most: usize) -> usize {
        from.transfer(held, &mut self.ring, self.storage, most)
    }
}

/// Searching.
impl RingBuffer<'_> {
    /// Returns the offset at which `needle` first occurs in full; an empty needle occurs at 0.
    pub fn find(&self, needle: &[u8]) -> Option<usize> {
        self.ring.find(self.storage, needle)
    }

    /// Returns the offset at which `needle` first occurs in full in a range of offsets: `5..` from an offset
    /// on, `..64` in the first 64 bytes. `None` for a range that is reversed or begins beyond the end; an end
    /// beyond the end is the end.
    pub fn find_in(&self, needle: &[u8], range: impl RangeBounds<usize>) -> Option<usize> {
        self.ring.find_in(self.storage, needle, offsets(range, self.len()))
    }

    /// Returns the offsets of the first end of a line: the line is before its start, the next one begins at
    /// its end. A line that comes byte by byte is searched once, if one kind of end is looked for.
    pub fn find_eol(&mut self, eol: Eol) -> Option<Range<usize>> {
        self.ring.find_eol(self.storage, eol, &mut self.lines.searched)
    }
}

/// Lines, and what ends otherwise.
impl RingBuffer<'_> {
    /// Moves the next line into `buffer`. Returns it without its end, `\n` or `\r\n`; `None` while there is no
    /// whole line. A line longer than `buffer`, or than the ring, is reported once, as
    /// [`LineError::TooLong`], and skipped to its end.
    pub fn read_line<'t>(&mut self, buffer: &'t mut [u8]) -> Option<Result<&'t str, LineError>> {
        let line = self.read_line_with(Eol::Crlf, buffer)?;
        Some(line.and_then(|line| str::from_utf8(line).map_err(|_| LineError::NotText)))
    }

    /// As [`read_line`](Self::read_line), for lines of bytes with another end.
    pub fn read_line_with<'t>(
        &mut self,
        eol: Eol,
        buffer: &'t mut [u8],
    ) -> Option<Result<&'t [u8], LineError>> {
        Some(self.ring.read_line(self.storage, &mut self.lines, eol, buffer)?.map(|line| &*line))
    }

    /// As [`read_line`](Self::read_line), for bytes in place: the line is in one piece, and gone when the ring is
    /// used again. O(size of the ring) if it is not in one piece.
    pub fn take_line(&mut self, eol: Eol) -> Option<Result<&[u8], LineError>> {
        let line = self.ring.take_line(self.storage, &mut self.lines, eol)?;
        Some(line.map(|line| self.storage.get(line).unwrap_or_default()))
    }

    /// Moves the bytes up to and with `end` into `buffer`. Returns them; `None` while they are not all
    /// there.
    ///
    /// # Errors
    /// [`LineError::TooLong`] when that is more than `buffer` or the ring has. The bytes stay.
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

/// Each piece of text is written all or nothing; [`RingBuffer::write_fmt`] writes the whole so.
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

    /// Takes the next line. Returns where in the storage it is.
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
