//! Converts a recording to lines of text, which can be written to any log.
//!
//! ```text
//!  picoevent-recording 1
//!  picoevent-recorded 0 0108041000200401 9f3b21c4     offset, bytes, checksum
//!  picoevent-recorded-end 8 0 0 5d02a1b7              bytes, iterations lost before, entries lost, checksum
//! ```
//!
//! Each line has its offset and its own checksum, so a lost or damaged line is detected. Other log lines may be between
//! the lines of a recording.
//!
//! The last line contains the number of lost entries. If the first stored entry is `Entry::Base`, the lost entries came
//! after the last stored entry. If the first stored entry is another entry, the lost entries were the first entries of
//! the oldest stored iteration.

use core::ops::Deref;

use super::code::{FNV, fnv};

/// The maximum length of a line. The longest line consists of a word, a number, [`Text::BYTES_PER_LINE`] bytes in
/// hexadecimal, and a checksum.
const LONGEST: usize = 128;

/// A line of text, without its line end.
pub struct Line {
    text: [u8; LONGEST],
    len: usize,
}

/// Writes the lines of one recording.
pub struct Text {
    offset: usize,
    check: u32,
}

impl Text {
    /// The number of recorded bytes in one line.
    pub const BYTES_PER_LINE: usize = 32;

    /// Begins a text. The first line is [`Text::header`].
    pub const fn new() -> Self {
        Self { offset: 0, check: FNV }
    }

    /// Returns the first line.
    pub fn header() -> Line {
        Line::of("picoevent-recording").number(1)
    }

    /// Returns the line for the next recorded bytes. A line has [`Text::BYTES_PER_LINE`] recorded bytes at most.
    pub fn data(&mut self, bytes: &[u8]) -> Line {
        let bytes = bytes.get(..Self::BYTES_PER_LINE).unwrap_or(bytes);
        let line = Line::of("picoevent-recorded").number(self.offset).hex(bytes);
        let line = line.check(Self::check(self.offset, bytes));
        self.check = fnv(self.check, bytes.iter());
        self.offset = self.offset.saturating_add(bytes.len());
        line
    }

    /// Returns the last line. `before` is the number of iterations that were dropped completely, before the first
    /// stored entry. `lost` is the number of other lost entries. If the first stored entry is `Entry::Base`, the `lost`
    /// entries came after the last stored entry. If the first stored entry is another entry, the `lost` entries were
    /// the first entries of the oldest stored iteration.
    pub fn end(&self, before: u32, lost: u32) -> Line {
        let line = Line::of("picoevent-recorded-end").number(self.offset);
        let line = line.number(before as usize).number(lost as usize);
        line.check(self.end_check(before, lost))
    }

    /// Returns the number of recorded bytes so far.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Returns the checksum of the last line. The checksum covers `before`, `lost` and all recorded bytes.
    pub fn end_check(&self, before: u32, lost: u32) -> u32 {
        let hash = fnv(self.check, before.to_le_bytes().iter());
        fnv(hash, lost.to_le_bytes().iter())
    }

    /// Returns the checksum of the line for `bytes`. `offset` is the position of the first byte in the recording.
    pub fn check(offset: usize, bytes: &[u8]) -> u32 {
        fnv(fnv(FNV, (offset as u64).to_le_bytes().iter()), bytes.iter())
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::new()
    }
}

impl Line {
    fn of(word: &str) -> Self {
        Self { text: [0; LONGEST], len: 0 }.push(word.bytes())
    }

    fn push(mut self, bytes: impl Iterator<Item = u8>) -> Self {
        for byte in bytes {
            if let Some(target) = self.text.get_mut(self.len) {
                *target = byte;
                self.len = self.len.saturating_add(1);
            }
        }
        self
    }

    fn number(self, number: usize) -> Self {
        let mut line = self.push(core::iter::once(b' '));
        let mut unit = 1_usize;
        while number.checked_div(unit).is_some_and(|rest| rest > 9) {
            unit = unit.saturating_mul(10);
        }
        while unit > 0 {
            let digit = number.checked_div(unit).unwrap_or(0) % 10;
            line = line.push(core::iter::once(b'0'.wrapping_add(digit as u8)));
            unit /= 10;
        }
        line
    }

    fn hex(self, bytes: &[u8]) -> Self {
        let digits = bytes.iter().flat_map(|byte| [digit(byte.wrapping_shr(4)), digit(byte & 15)]);
        self.push(core::iter::once(b' ')).push(digits)
    }

    fn check(self, check: u32) -> Self {
        self.hex(&check.to_be_bytes())
    }
}

impl Deref for Line {
    type Target = str;

    fn deref(&self) -> &str {
        let text = self.text.get(..self.len).unwrap_or_default();
        core::str::from_utf8(text).unwrap_or_default()
    }
}

const fn digit(value: u8) -> u8 {
    match value {
        0..10 => b'0'.wrapping_add(value),
        _ => b'a'.wrapping_sub(10).wrapping_add(value),
    }
}
