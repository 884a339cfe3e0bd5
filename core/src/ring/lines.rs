//! Finds the next line or message in a ring, for connections and for [`RingBuffer`](super::RingBuffer).

use core::ops::Range;

use super::{Eol, Ring, Searched};
use crate::error::LineError;

/// The state of the line that is being received.
#[derive(Clone, Copy)]
pub(crate) struct Lines {
    pub(crate) searched: Searched,
    /// Whether the next bytes belong to an overlong line. If so, the bytes up to and including the end of this line are
    /// discarded.
    pub(crate) skips: bool,
}

impl Lines {
    pub(crate) const NEW: Self = Self { searched: Searched::NOTHING, skips: false };
}

/// Returns the position of the next line's end, if the line has at most `longest` bytes. The line stays in the ring. An
/// overlong line is reported once, as [`LineError::TooLong`], and discarded. If the end of an overlong line has not
/// arrived yet, the bytes that arrive later, up to this end, are discarded, too. `None` while there is no complete
/// line.
pub(crate) fn next_line(
    ring: &mut Ring,
    storage: &[u8],
    lines: &mut Lines,
    eol: Eol,
    longest: usize,
) -> Option<Result<Range<usize>, LineError>> {
    loop {
        let found = ring.find_eol(storage, eol, &mut lines.searched);
        let is_overlong = match &found {
            Some(end) => end.start > longest,
            // The newest bytes may be the beginning of an end-of-line sequence: at most `Eol::begun` bytes. So an
            // incomplete line is overlong if the ring holds more than `longest` bytes plus these bytes, or if the ring
            // is full.
            None if ring.len() == 0 => return None,
            None => ring.len() > longest.saturating_add(eol.begun()) || ring.len() == storage.len(),
        };
        let skipped = match found {
            Some(end) if !lines.skips && !is_overlong => return Some(Ok(end)),
            Some(ref end) => end.end,
            None if lines.skips || is_overlong => {
                ring.len().saturating_sub(kept(ring, storage, eol))
            }
            None => return None,
        };
        let is_whole = found.is_some();
        ring.consume(storage.len(), skipped);
        lines.searched = Searched::NOTHING;
        let was_reported = core::mem::replace(&mut lines.skips, !is_whole);
        if !was_reported {
            return Some(Err(LineError::TooLong));
        }
        if !is_whole {
            return None;
        }
    }
}

/// Returns how many of the newest bytes are kept when an overlong line is discarded. If lines end with `\r\n` only, a
/// newest byte `\r` is kept, because it may be the beginning of a line end. A ring of one byte can never hold both
/// bytes of the line end, so in this ring no byte is kept.
fn kept(ring: &Ring, storage: &[u8], eol: Eol) -> usize {
    let last = ring.len().saturating_sub(1);
    let is_return = ring.rest(storage.len(), last).find(storage, b"\r").is_some();
    (eol == Eol::CrlfStrict && is_return && storage.len() > 1).into()
}

/// Returns the number of bytes up to and including `end`, if this number is at most `longest`. Returns `None` while
/// `end` may still arrive or if `end` is empty, and [`LineError::TooLong`] if the bytes up to `end` do not fit.
pub(crate) fn next_until(
    ring: &Ring,
    storage: &[u8],
    end: &[u8],
    longest: usize,
) -> Option<Result<usize, LineError>> {
    if end.is_empty() {
        return None;
    }
    let found = ring.find(storage, end).map(|at| at.saturating_add(end.len()));
    let is_full = ring.len() == storage.len();
    match found {
        Some(length) if length <= longest => Some(Ok(length)),
        None if ring.len() < longest && !is_full => None,
        _ => Some(Err(LineError::TooLong)),
    }
}
