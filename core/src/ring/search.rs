//! Finds a needle or the end of a line in a ring.
//!
//! A line that arrives byte by byte is searched once: [`Searched`] stores the number of bytes in which no end was
//! found. So a search continues where the last search stopped.

use core::ops::Range;

use super::Ring;

/// How a line ends (libevent's `evbuffer_eol_style`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Eol {
    /// With `\n` or `\r\n` (`EVBUFFER_EOL_CRLF`).
    Crlf,
    /// With `\r\n` only (`EVBUFFER_EOL_CRLF_STRICT`). A ring of one byte is too short for this sequence, so a line in
    /// this ring never ends.
    CrlfStrict,
    /// With `\n` only (`EVBUFFER_EOL_LF`).
    Lf,
    /// With any sequence of `\r` and `\n` (`EVBUFFER_EOL_ANY`). Only bytes that have arrived belong to the sequence. If
    /// the next bytes that arrive are `\r` or `\n`, too, they are the end of another line, which is empty. libevent
    /// does the same.
    Any,
    /// With a byte 0 (`EVBUFFER_EOL_NUL`).
    Nul,
}

impl Eol {
    /// Returns how many bytes of a line end may be in the ring before the last byte of this line end arrives.
    pub(super) const fn begun(self) -> usize {
        match self {
            Self::Crlf | Self::CrlfStrict => 1,
            Self::Lf | Self::Any | Self::Nul => 0,
        }
    }

    /// Returns the last byte of a line end.
    const fn last(self) -> u8 {
        if matches!(self, Self::Nul) { 0 } else { b'\n' }
    }

    /// Returns whether the search for a line end stops at `byte`.
    const fn stops_at(self, byte: u8) -> bool {
        byte == self.last() || matches!(self, Self::Any) && byte == b'\r'
    }

    /// Returns the number that [`Searched`] stores for this kind of line end. `Crlf` and `Lf` have the same number:
    /// both need a `\n`, so bytes without a `\n` contain neither of them.
    const fn search(self) -> u16 {
        match self {
            Self::Crlf | Self::Lf => 0,
            Self::CrlfStrict => 1,
            Self::Any => 2,
            Self::Nul => 3,
        }
    }
}

/// Stores either the result of a search for a line end, or the number of bytes that the application waits for:
///
/// * For the result of a search, bit 15 is zero. Bits 2 to 14 are the number of bytes that were searched without
///   finding a line end, from the oldest byte on. This number is at most 8,191. Bits 0 and 1 are the number of the kind
///   of line end ([`Eol::search`]).
/// * For the number of bytes that the application waits for, bit 15 is one. Bits 0 to 14 are this number, at most
///   32,767.
///
/// The value is cleared when the oldest bytes are removed, or when bytes are put before them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Searched(pub(crate) u16);

/// The bit that is set if the value is the number of bytes that the application waits for.
const AWAITED: u16 = 1 << 15;

impl Searched {
    pub(crate) const NOTHING: Self = Self(0);

    fn of(self, eol: Eol) -> usize {
        if self.0 & (AWAITED | 0b11) == eol.search() { usize::from(self.0 >> 2) } else { 0 }
    }

    fn up_to(eol: Eol, amount: usize) -> Self {
        let amount = amount.min(usize::from(!AWAITED >> 2)) as u16;
        Self(amount << 2 | eol.search())
    }

    /// Makes the value for waiting until `amount` bytes are in the ring.
    pub(crate) fn awaiting(amount: usize) -> Self {
        Self(AWAITED | amount.min(usize::from(!AWAITED)) as u16)
    }

    /// Returns how many bytes the application waits for; zero if it does not wait.
    pub(crate) const fn awaited(self) -> usize {
        if self.0 & AWAITED == 0 { 0 } else { (self.0 & !AWAITED) as usize }
    }
}

impl Ring {
    /// Returns the offset of the first byte for which `is_wanted` holds.
    fn position(&self, storage: &[u8], is_wanted: impl Fn(u8) -> bool) -> Option<usize> {
        let (first, second) = self.bytes(storage);
        let found = first.iter().position(|byte| is_wanted(*byte));
        found.or_else(|| {
            let found = second.iter().position(|byte| is_wanted(*byte));
            found.map(|at| at.saturating_add(first.len()))
        })
    }

    /// Returns the byte at an offset from the oldest byte.
    fn byte(&self, storage: &[u8], offset: usize) -> Option<u8> {
        let at = self.start().wrapping_add(offset);
        storage.get(at.checked_sub(storage.len()).unwrap_or(at)).copied()
    }

    /// Returns the offset, from the oldest byte, at which `needle` first occurs completely; 0 for an empty needle.
    /// O(length × needle), O(length) for a needle of one byte.
    pub(crate) fn find(&self, storage: &[u8], needle: &[u8]) -> Option<usize> {
        let Some((head, tail)) = needle.split_first() else { return Some(0) };
        let (size, end) = (storage.len(), self.len().checked_sub(tail.len())?);
        let mut from = 0;
        loop {
            let begins = self.part(size, from..end)?;
            let at = begins.position(storage, |byte| byte == *head)?.saturating_add(from);
            from = at.saturating_add(1);
            let (first, second) = self.rest(size, from).bytes(storage);
            if first.iter().chain(second).zip(tail).all(|(byte, wanted)| byte == wanted) {
                return Some(at);
            }
        }
    }

    /// Returns the offset at which `needle` first occurs completely within a range. `None` for a range that is reversed
    /// or starts beyond the end.
    pub(crate) fn find_in(
        &self,
        storage: &[u8],
        needle: &[u8],
        range: Range<usize>,
    ) -> Option<usize> {
        let found = self.part(storage.len(), range.clone())?.find(storage, needle)?;
        Some(found.saturating_add(range.start))
    }

    /// Returns the position of the first end of a line, and updates `searched`.
    pub(crate) fn find_eol(
        &self,
        storage: &[u8],
        eol: Eol,
        searched: &mut Searched,
    ) -> Option<Range<usize>> {
        let mut from = searched.of(eol);
        // No line end contains a byte with a value above the value of `\r`. So if the only new byte is such a byte, no
        // search is needed.
        let is_none = match self.len().wrapping_sub(from) {
            0 => true,
            1 => self.byte(storage, from).is_some_and(|byte| byte > b'\r'),
            _ => false,
        };
        if is_none {
            *searched = Searched::up_to(eol, self.len());
            return None;
        }
        loop {
            let rest = self.rest(storage.len(), from);
            let at = match eol {
                Eol::Any => rest.position(storage, |byte| Eol::Any.stops_at(byte)),
                _ => rest.position(storage, |byte| byte == eol.last()),
            };
            let Some(at) = at else {
                *searched = Searched::up_to(eol, self.len());
                return None;
            };
            let at = at.saturating_add(from);
            let next = at.saturating_add(1);
            let before = at.checked_sub(1);
            let is_return = || before.and_then(|at| self.byte(storage, at)) == Some(b'\r');
            let found = match eol {
                Eol::Lf | Eol::Nul => at..next,
                Eol::Crlf if !is_return() => at..next,
                Eol::Crlf | Eol::CrlfStrict if is_return() => before.unwrap_or(at)..next,
                Eol::Any => {
                    let run = self.rest(storage.len(), at);
                    let run = run.position(storage, |byte| !eol.stops_at(byte));
                    at..run.map_or(self.len(), |run| run.saturating_add(at))
                }
                Eol::Crlf | Eol::CrlfStrict => {
                    from = next;
                    continue;
                }
            };
            *searched = Searched::up_to(eol, at);
            return Some(found);
        }
    }
}
