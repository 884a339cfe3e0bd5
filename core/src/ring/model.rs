//! Compares the ring with a simple model: a vector. Each search in this vector starts at its beginning.

extern crate std;

use super::*;
use crate::error::LineError;
use crate::model::check;
use proptest::collection::vec;
use proptest::prelude::*;
use std::string::String;
use std::vec;
use std::vec::Vec;

#[derive(Clone, Debug)]
enum Op {
    Write(Vec<u8>),
    WriteSome(Vec<u8>),
    WriteText(String, String),
    /// Calls `write_with`. The first number is the number of bytes to reserve, and the second is the number that `fill`
    /// returns.
    WriteWith(usize, usize),
    Prepend(Vec<u8>),
    Consume(usize),
    Read(usize),
    CopyOut(usize, usize),
    Contiguous(usize),
    Find(Vec<u8>, usize, usize),
    FindEol(Eol),
    ReadLine(Eol, usize),
    TakeLine(Eol),
    ReadUntil(Vec<u8>, usize),
    /// The number of bytes to move to another ring, and the size of that ring.
    Transfer(usize, usize),
    Clear,
}

/// Generates bytes with only a few different values, so that needles and ends of lines occur.
fn data() -> impl Strategy<Value = Vec<u8>> {
    vec(prop::sample::select(&b"ab\r\n\0"[..]), 0..9)
}

fn eol() -> impl Strategy<Value = Eol> {
    prop::sample::select(&[Eol::Crlf, Eol::CrlfStrict, Eol::Lf, Eol::Any, Eol::Nul][..])
}

fn op() -> impl Strategy<Value = Op> {
    let amount = || 0_usize..12;
    prop_oneof![
        3 => data().prop_map(Op::Write),
        3 => data().prop_map(Op::WriteSome),
        1 => ("[a\n]{0,4}", "[b\r]{0,4}").prop_map(|(one, two)| Op::WriteText(one, two)),
        1 => (amount(), amount()).prop_map(|(room, used)| Op::WriteWith(room, used)),
        2 => data().prop_map(Op::Prepend),
        2 => amount().prop_map(Op::Consume),
        2 => amount().prop_map(Op::Read),
        1 => (amount(), amount()).prop_map(|(offset, amount)| Op::CopyOut(offset, amount)),
        1 => amount().prop_map(Op::Contiguous),
        2 => (vec(prop::sample::select(&b"ab"[..]), 0..4), amount(), amount())
            .prop_map(|(needle, start, end)| Op::Find(needle, start, end)),
        3 => eol().prop_map(Op::FindEol),
        3 => (eol(), amount()).prop_map(|(eol, longest)| Op::ReadLine(eol, longest)),
        2 => eol().prop_map(Op::TakeLine),
        1 => (data(), amount()).prop_map(|(end, longest)| Op::ReadUntil(end, longest)),
        1 => (amount(), amount()).prop_map(|(most, room)| Op::Transfer(most, room)),
        1 => Just(Op::Clear),
    ]
}

/// The model of the ring.
struct Model {
    content: Vec<u8>,
    size: usize,
    skips: bool,
}

impl Model {
    fn room(&self) -> usize {
        self.size - self.content.len()
    }

    /// Returns an error if `amount` bytes do not fit.
    fn check(&self, amount: usize) -> Result<(), WriteError> {
        match amount {
            _ if amount <= self.room() => Ok(()),
            _ if amount > self.size => Err(WriteError::TooLong { size: self.size }),
            _ => Err(WriteError::Full { room: self.room() }),
        }
    }

    fn find(&self, needle: &[u8], range: Range<usize>) -> Option<usize> {
        let starts = range.start..=range.end.checked_sub(needle.len())?;
        starts.into_iter().find(|from| self.content[*from..].starts_with(needle))
    }

    fn eol(&self, eol: Eol) -> Option<Range<usize>> {
        let content = &self.content;
        (0..content.len()).find_map(|at| {
            let rest = &content[at..];
            let run = rest.iter().take_while(|byte| b"\r\n".contains(byte)).count();
            let length = match eol {
                Eol::Crlf if rest.starts_with(b"\r\n") => 2,
                Eol::Crlf | Eol::Lf if rest[0] == b'\n' => 1,
                Eol::CrlfStrict if rest.starts_with(b"\r\n") => 2,
                Eol::Any => run,
                Eol::Nul if rest[0] == 0 => 1,
                _ => 0,
            };
            (length > 0).then(|| at..at + length)
        })
    }

    fn line(&mut self, eol: Eol, longest: usize) -> Option<Result<Vec<u8>, LineError>> {
        loop {
            let end = self.eol(eol);
            let begun = usize::from(matches!(eol, Eol::Crlf | Eol::CrlfStrict));
            let is_full = self.size > 0 && self.content.len() == self.size;
            match end {
                Some(end) if !self.skips && end.start <= longest => {
                    let line = self.content[..end.start].to_vec();
                    self.content.drain(..end.end);
                    return Some(Ok(line));
                }
                Some(end) => {
                    self.content.drain(..end.end);
                    if !std::mem::take(&mut self.skips) {
                        return Some(Err(LineError::TooLong));
                    }
                }
                None if self.content.is_empty() => return None,
                None if self.skips
                    || is_full
                    || self.content.len() > longest.saturating_add(begun) =>
                {
                    let may_end = eol == Eol::CrlfStrict && self.size > 1;
                    let keeps = may_end && self.content.last() == Some(&b'\r');
                    self.content.drain(..self.content.len() - usize::from(keeps));
                    let reported = std::mem::replace(&mut self.skips, true);
                    return (!reported).then_some(Err(LineError::TooLong));
                }
                None => return None,
            }
        }
    }
}

fn apply(op: Op, ring: &mut RingBuffer<'_>, model: &mut Model) {
    match op {
        Op::Write(data) => {
            let expected = model.check(data.len());
            assert_eq!(ring.write(&data), expected);
            if expected.is_ok() {
                model.content.extend(data);
            }
        }
        Op::WriteSome(data) => {
            let amount = data.len().min(model.room());
            assert_eq!(ring.write_some(&data), amount);
            model.content.extend(&data[..amount]);
        }
        Op::WriteText(one, two) => {
            let expected = model.check(one.len() + two.len());
            assert_eq!(write!(ring, "{one}{two}"), expected);
            if expected.is_ok() {
                model.content.extend([one, two].concat().bytes());
            }
        }
        Op::WriteWith(room, used) => {
            let expected = match model.check(room) {
                Ok(()) if used > room => Err(WriteError::Unreserved),
                Ok(()) => Ok(used),
                Err(error) => Err(error),
            };
            let written = ring.write_with(room, |bytes| {
                assert_eq!(bytes.len(), room);
                bytes.fill(b'w');
                used
            });
            assert_eq!(written, expected);
            model.content.resize(model.content.len() + expected.unwrap_or(0), b'w');
        }
        Op::Prepend(data) => {
            let expected = model.check(data.len());
            assert_eq!(ring.prepend(&data), expected);
            if expected.is_ok() {
                model.content.splice(..0, data);
            }
        }
        Op::Consume(amount) => {
            let expected = amount.min(model.content.len());
            assert_eq!(ring.consume(amount), expected);
            model.content.drain(..expected);
        }
        Op::Read(amount) => {
            let mut target = vec![0; amount];
            let amount = ring.read(&mut target);
            let expected: Vec<_> =
                model.content.drain(..target.len().min(model.content.len())).collect();
            assert_eq!(target[..amount], expected);
        }
        Op::CopyOut(offset, amount) => {
            let rest = model.content.get(offset..).unwrap_or_default();
            let mut target = vec![0; amount];
            let amount = ring.copy_out(offset, &mut target);
            assert_eq!(target[..amount], rest[..target.len().min(rest.len())]);
            let (first, second) = ring.peek_from(offset);
            assert_eq!([first, second].concat(), rest);
        }
        Op::Contiguous(amount) => {
            let expected = model.content.get(..amount);
            assert_eq!(ring.contiguous(amount).map(|bytes| &*bytes), expected);
        }
        Op::Find(needle, start, end) => {
            let content = model.content.len();
            let clipped = start..end.min(content);
            let is_range = clipped.start <= clipped.end;
            let expected = is_range.then(|| model.find(&needle, clipped)).flatten();
            assert_eq!(ring.find_in(&needle, start..end), expected, "{needle:?} in {start}..{end}");
            assert_eq!(ring.find(&needle), model.find(&needle, 0..content));
        }
        Op::FindEol(eol) => assert_eq!(ring.find_eol(eol), model.eol(eol), "{eol:?}"),
        Op::ReadLine(eol, longest) => {
            let mut buffer = vec![0; longest];
            let line = ring.read_line_with(eol, &mut buffer);
            assert_eq!(line.map(|line| line.map(<[u8]>::to_vec)), model.line(eol, longest));
        }
        Op::TakeLine(eol) => {
            let line = ring.take_line(eol).map(|line| line.map(<[u8]>::to_vec));
            assert_eq!(line, model.line(eol, usize::MAX));
        }
        Op::ReadUntil(end, longest) => {
            let content = model.content.len();
            let length = model.find(&end, 0..content).map(|at| at + end.len());
            let expected = match length {
                _ if end.is_empty() => None,
                Some(length) if length <= longest => Some(Ok(model.content[..length].to_vec())),
                None if content < longest && content < model.size => None,
                _ => Some(Err(LineError::TooLong)),
            };
            let mut buffer = vec![0; longest];
            let read = ring.read_until(&end, &mut buffer).map(|read| read.map(<[u8]>::to_vec));
            assert_eq!(read, expected);
            model.content.drain(..expected.and_then(Result::ok).map_or(0, |read| read.len()));
        }
        Op::Transfer(most, room) => {
            let mut memory = vec![0; room];
            let mut other = RingBuffer::new(&mut memory);
            let amount = most.min(room).min(model.content.len());
            assert_eq!(ring.transfer(&mut other, most), amount);
            let moved: Vec<_> = model.content.drain(..amount).collect();
            assert_eq!(other.contiguous(amount).unwrap(), moved);
        }
        Op::Clear => {
            ring.clear();
            model.content.clear();
            model.skips = false;
        }
    }
}

#[test]
fn the_ring_agrees_with_a_vector() {
    check((0_usize..20, vec(op(), 0..60)), |(size, ops)| {
        let mut memory = vec![0; size];
        let mut ring = RingBuffer::new(&mut memory);
        let mut model = Model { content: Vec::new(), size, skips: false };
        for op in ops {
            apply(op.clone(), &mut ring, &mut model);
            let (first, second) = ring.peek();
            assert_eq!([first, second].concat(), model.content, "after {op:?}");
            assert_eq!((ring.len(), ring.room()), (model.content.len(), model.room()));
            assert_eq!((ring.capacity(), ring.is_empty()), (size, model.content.is_empty()));
        }
    });
}
