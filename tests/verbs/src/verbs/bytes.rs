//! Steps that write and read the bytes of a connection.

use std::collections::VecDeque;

use picoevent::{ConnMut, Eol, RingBuffer, WriteError};

use crate::MAX_STATIC_SLICES;
use crate::shadow::{Life, end_of_line, take_line};
use crate::world::World;

/// The slices for `write_static`.
const STATIC_SLICES: [&[u8]; 4] = [b"", b"s", b"static", b"longer than any of the rings"];

/// Returns the expected error of a write of `amount` bytes, if the bytes do not fit.
fn check(amount: usize, room: usize, size: usize) -> Result<(), WriteError> {
    match amount {
        _ if amount > size => Err(WriteError::TooLong { size }),
        _ if amount > room => Err(WriteError::Full { room }),
        _ => Ok(()),
    }
}

/// Writes bytes, or ends the connection's output stream.
pub fn write(world: &mut World, index: usize, mut conn: ConnMut<'_, '_, World>, verb: usize) {
    let len = world.bytes.below(11);
    let mut data = world.data(len);
    let size = world.pool_of(index).output;
    let shadow = &world.conns[index];
    let (room, is_over) = (size - shadow.output.held(), shadow.finished || shadow.failed);
    let fits = if is_over { Err(WriteError::Finished) } else { check(len, room, size) };
    match verb {
        0 | 1 => {
            let written = match verb {
                0 if len % 2 == 1 => {
                    let (first, second) = data.split_at(len / 2);
                    conn.write_parts(&[first, second]).map(|written| assert_eq!(written, len))
                }
                0 => conn.write(&data),
                _ => {
                    // Writes the data as text, in two parts. The bytes are limited to ASCII.
                    data.iter_mut().for_each(|byte| *byte &= 0x7f);
                    let (first, second) = data.split_at(data.len() / 2);
                    let [first, second] =
                        [first, second].map(|text| std::str::from_utf8(text).unwrap());
                    write!(conn, "{first}{second}")
                }
            };
            assert_eq!(written, fits, "{shadow:?}");
            if fits.is_ok() {
                world.conns[index].output.extend(&data);
            }
        }
        2 => {
            let taken = conn.write_some(&data);
            assert_eq!(taken, if is_over { 0 } else { len.min(room) });
            world.conns[index].output.extend(&data[..taken]);
        }
        3 => {
            let used = world.bytes.below(11);
            let written = conn.write_with(len, |room| {
                room.copy_from_slice(&data);
                used
            });
            let expected = match fits {
                Ok(()) if used > len => Err(WriteError::Unreserved),
                fits => fits.map(|()| used),
            };
            assert_eq!(written, expected);
            world.conns[index].output.extend(&data[..written.unwrap_or(0)]);
        }
        4 | 5 => write_static(world, index, conn, room, is_over),
        6 => {
            let mut memory = [0; 8];
            let mut ring = RingBuffer::new(&mut memory);
            let (held, most) = (ring.write_some(&data), world.bytes.below(11));
            let moved = conn.transfer_from_ring(&mut ring, most);
            assert_eq!(moved, if is_over { 0 } else { held.min(most).min(room) });
            assert_eq!(ring.len(), held - moved);
            world.conns[index].output.extend(&data[..moved]);
        }
        _ => {
            conn.finish();
            world.conns[index].finished = true;
        }
    }
}

fn write_static(
    world: &mut World,
    index: usize,
    mut conn: ConnMut<'_, '_, World>,
    room: usize,
    is_over: bool,
) {
    let slice = world.bytes.pick(STATIC_SLICES);
    let (mut held, mut all) = (0, 0);
    for shadow in world.conns.iter().filter(|shadow| shadow.life != Life::Gone) {
        all += shadow.output.static_slices();
        held += if shadow.life == Life::Held { shadow.output.static_slices() } else { 0 };
    }
    match conn.write_static(slice) {
        Err(WriteError::Finished) => assert!(is_over),
        Ok(()) if slice.is_empty() => assert!(!is_over),
        Ok(()) => {
            assert!(!is_over && room > 0 && held < MAX_STATIC_SLICES);
            world.conns[index].output.push_static(slice);
        }
        Err(WriteError::Statics) => assert!(!is_over && room > 0 && all >= MAX_STATIC_SLICES),
        Err(error) => assert_eq!((error, room, is_over), (WriteError::Full { room }, 0, false)),
    }
}

/// Reads or peeks at bytes.
pub fn read(world: &mut World, index: usize, mut conn: ConnMut<'_, '_, World>, verb: usize) {
    let (len, offset) = (world.bytes.below(11), world.bytes.below(6));
    let eol = world.bytes.pick([Eol::Crlf, Eol::CrlfStrict, Eol::Lf, Eol::Any, Eol::Nul]);
    let data = world.data(offset);
    let pool = world.pool_of(index);
    let shadow = &mut world.conns[index];
    let may_answer = pool.output - shadow.output.held() >= shadow.kind.room;
    if !matches!(verb, 2..=5) {
        shadow.awaited_input = 0;
    }
    let held = &mut shadow.input;
    let mut target = vec![0; len];
    match verb {
        0 => {
            assert_eq!(conn.consume(len), len.min(held.len()));
            held.drain(..len.min(held.len()));
        }
        1 => {
            let amount = conn.read(&mut target);
            assert_eq!(amount, len.min(held.len()));
            assert!(held.drain(..amount).eq(target[..amount].iter().copied()), "wrong input");
        }
        2 => {
            conn.read_again();
        }
        3 => {
            let needle: Vec<u8> = held.iter().skip(offset).take(2).copied().collect();
            assert_eq!(conn.find(&needle), find_first(held, &needle, 0, held.len()));
            let (start, end) = (offset, len.min(held.len()));
            let found = find_first(held, &needle, start, end);
            assert_eq!(conn.find_in(&needle, start..len), found, "{start}..{len}");
        }
        4 => {
            let rest: Vec<u8> = held.iter().skip(offset).copied().collect();
            let amount = conn.copy_out(offset, &mut target);
            assert_eq!(target[..amount], rest[..len.min(rest.len())]);
            let (first, second) = conn.peek_from(offset);
            assert_eq!([first, second].concat(), rest);
        }
        5 => {
            let expected = (len <= held.len()).then(|| held.range(..len).copied().collect());
            assert_eq!(conn.contiguous(len).map(|bytes| bytes.to_vec()), expected);
        }
        6 => {
            let is_open = conn.is_open() || shadow.failed;
            let fits = check(data.len(), pool.input - held.len(), pool.input);
            let expected = if is_open { fits } else { Err(WriteError::Finished) };
            assert_eq!(conn.prepend(&data), expected);
            if expected.is_ok() {
                data.iter().rev().for_each(|byte| held.push_front(*byte));
            }
        }
        7 => {
            assert_eq!(conn.find_eol(eol), end_of_line(held, eol));
            let mut memory = [0; 5];
            let mut ring = RingBuffer::new(&mut memory);
            let amount = conn.transfer_to_ring(&mut ring, offset);
            assert_eq!(amount, offset.min(5).min(held.len()));
            let moved: Vec<u8> = held.drain(..amount).collect();
            assert_eq!(ring.contiguous(amount).unwrap(), moved);
        }
        _ => {
            let longest = if verb == 8 { len } else { usize::MAX };
            let line = match verb {
                8 => conn.read_line_with(eol, &mut target).map(|line| line.map(<[u8]>::to_vec)),
                _ => conn.take_line(eol).map(|line| line.map(<[u8]>::to_vec)),
            };
            let next = || take_line(held, &mut shadow.skips_line, pool.input, eol, longest);
            assert_eq!(line, may_answer.then(next).flatten(), "{eol:?}");
        }
    }
}

/// Returns the first position of the needle in a range, by a simple search.
fn find_first(held: &VecDeque<u8>, needle: &[u8], start: usize, end: usize) -> Option<usize> {
    let last = end.checked_sub(needle.len())?;
    (start..=last).find(|from| held.range(from..).take(needle.len()).eq(needle))
}
