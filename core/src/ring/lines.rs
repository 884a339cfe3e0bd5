//! Which line comes next in a ring, for connections and for rings of the application's own.

use core::ops::Range;

use super::{Eol, Ring, Searched};
use crate::error::LineError;

/// What is known of the line that is coming in.
#[derive(Clone, Copy)]
pub(crate) struct Lines {
    pub(crate) searched: Searched,
    /// It is the rest of an overlong line, and is discarded.
    pub(crate) skips: bool,
}

impl Lines {
    pub(crate) const NEW: Self = Self { searched: Searched::NOTHING, skips: false };
}

/// Returns the offsets of the next line's end, if the line has `longest` bytes at most; it stays in the
/// ring. An overlong one is reported once, and discarded to its end, also if that is to come. `None` while
/// there is no whole line.
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
            // The bytes behind the line may be the beginning of its end.
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

/// Returns how many of the newest bytes are not discarded with an overlong line: a `\r` that may be the
/// beginning of its end, if the end can be held.
fn kept(ring: &Ring, storage: &[u8], eol: Eol) -> usize {
    let last = ring.len().saturating_sub(1);
    let is_return = ring.rest(storage.len(), last).find(storage, b"\r").is_some();
    (eol == Eol::CrlfStrict && is_return && storage.len() > 1).into()
}

/// Returns the length of what ends with `end`, if that has `longest` bytes at most. `None` while it may still
/// come.
pub(crate) fn next_until(
    ring: &Ring,
    storage: &[u8],
    end: &[u8],
    longest: usize,
) -> Option<Result<usize, LineError>> {
    let found = ring.find(storage, end).map(|at| at.saturating_add(end.len()));
    let is_full = ring.len() == storage.len();
    match found {
        Some(length) if length <= longest => Some(Ok(length)),
        None if ring.len() < longest && !is_full => None,
        _ => Some(Err(LineError::TooLong)),
    }
}
