//! A simple model of the functions that read lines. Each search starts at the beginning of the input.

use std::collections::VecDeque;
use std::ops::Range;

use picoevent::{Eol, LineError};

/// Returns the range of the first line end.
pub fn end_of_line(held: &VecDeque<u8>, eol: Eol) -> Option<Range<usize>> {
    (0..held.len()).find_map(|at| {
        let is = |offset: usize, byte: u8| held.get(at + offset) == Some(&byte);
        let run = held.range(at..).take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let length = match eol {
            Eol::Crlf | Eol::CrlfStrict if is(0, b'\r') && is(1, b'\n') => 2,
            Eol::Crlf | Eol::Lf => usize::from(is(0, b'\n')),
            Eol::CrlfStrict => 0,
            Eol::Any => run,
            Eol::Nul => usize::from(is(0, 0)),
        };
        (length > 0).then(|| at..at + length)
    })
}

/// Takes the next line of at most `longest` bytes from a ring of `size` bytes. Returns `None` if there is no whole
/// line, and an error if the line is too long.
pub fn take_line(
    held: &mut VecDeque<u8>,
    skips_line: &mut bool,
    size: usize,
    eol: Eol,
    longest: usize,
) -> Option<Result<Vec<u8>, LineError>> {
    while !held.is_empty() {
        let begun = usize::from(matches!(eol, Eol::Crlf | Eol::CrlfStrict));
        let Some(end) = end_of_line(held, eol) else {
            if !*skips_line && held.len() < size && held.len() <= longest.saturating_add(begun) {
                return None;
            }
            let keeps = eol == Eol::CrlfStrict && size > 1 && held.back() == Some(&b'\r');
            held.drain(..held.len() - usize::from(keeps));
            return (!std::mem::replace(skips_line, true)).then_some(Err(LineError::TooLong));
        };
        let mut line: Vec<u8> = held.drain(..end.end).collect();
        line.truncate(end.start);
        match std::mem::take(skips_line) {
            true => {}
            false if line.len() > longest => return Some(Err(LineError::TooLong)),
            false => return Some(Ok(line)),
        }
    }
    None
}
