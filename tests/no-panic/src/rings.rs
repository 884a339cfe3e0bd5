//! Rings that belong to the application, and the traits of embedded-io.

use core::fmt::Write as _;

use embedded_io::{BufRead, Read, ReadReady, Write, WriteReady};
use picoevent::{ConnMut, IoError, RingBuffer};

use crate::App;
use crate::unknown::{any, bytes, eol, word};

pub fn every_function() {
    let (mut memory, mut other) = (any([0; 9]), any([0; 5]));
    on(&mut RingBuffer::new(any(&mut memory)), &mut RingBuffer::new(any(&mut other)));
    on(&mut RingBuffer::new(any(&mut [])), &mut RingBuffer::new(any(&mut memory)));
}

#[inline(never)]
fn on(ring: &mut RingBuffer<'_>, other: &mut RingBuffer<'_>) {
    any((ring.len(), ring.is_empty(), ring.capacity(), ring.room()));
    any(any(&mut *ring).write(bytes())).ok();
    any(any(&mut *ring).write_parts(any(&[bytes(), bytes()]))).ok();
    any(any(&mut *ring).write_some(bytes()));
    any(any(&mut *ring).write_fmt(format_args!("one {} two", word()))).ok();
    any(any(&mut *ring).write_with(any(1), |room| any(room).len())).ok();
    any(any(&mut *ring).write_str(word())).ok();
    any(any(&mut *ring).prepend(bytes())).ok();
    any(any(&mut *ring).peek());
    any(any(&mut *ring).peek_from(any(1)));
    any(any(&mut *ring).copy_out(any(1), any(&mut [0; 8])));
    any(any(&mut *ring).contiguous(any(1)));
    any(any(&mut *ring).consume(any(1)));
    any(any(&mut *ring).read(any(&mut [0; 8])));
    any(any(&mut *ring).transfer(any(&mut *other), any(1)));
    any(any(&mut *ring).find(bytes()));
    any(any(&mut *ring).find_in(bytes(), any(1)..));
    any(any(&mut *ring).find_eol(eol()));
    let mut buffer = [0; 8];
    any(any(&mut *ring).read_line(any(&mut buffer)));
    any(any(&mut *ring).read_line_with(eol(), any(&mut buffer)));
    any(any(&mut *ring).take_line(eol()));
    any(any(&mut *ring).read_until(bytes(), any(&mut buffer)));
    embedded_io_traits(any(&mut *ring));
    any(ring).clear();
}

/// Moves bytes between a connection and a ring, and calls the embedded-io traits of a connection.
pub fn transfers(conn: &mut ConnMut<'_, '_, App>) {
    let mut memory = any([0; 9]);
    let mut ring = RingBuffer::new(any(&mut memory));
    any(any(&mut *conn).transfer_to_ring(any(&mut ring), any(1)));
    any(any(&mut *conn).transfer_from_ring(any(&mut ring), any(1)));
    any(any(&mut *conn).write_str(word())).ok();
    embedded_io_traits(any(conn));
}

fn embedded_io_traits<T>(stream: &mut T)
where
    T: Read<Error = IoError> + BufRead + ReadReady + Write + WriteReady,
{
    any(any(&mut *stream).read_ready()).ok();
    any(any(&mut *stream).write_ready()).ok();
    any(Read::read(any(&mut *stream), any(&mut [0; 8]))).ok();
    any(any(&mut *stream).fill_buf()).ok();
    BufRead::consume(any(&mut *stream), any(1));
    any(Write::write(any(&mut *stream), bytes())).ok();
    any(Write::write_all(any(&mut *stream), bytes())).ok();
    any(Write::flush(any(&mut *stream))).ok();
    any(any(embedded_io::Error::kind(&any(IoError::Full))));
}
