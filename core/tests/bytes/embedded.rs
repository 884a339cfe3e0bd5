//! The traits of embedded-io, on a ring and on a connection.

use embedded_io::{BufRead, Error, ErrorKind, Read, ReadReady, Write, WriteReady};
use picoevent::{ConnMut, EventBase, IoError, RingBuffer};

use crate::{App, Base, drain_all, feed, open, storage};

/// Writes while there is room, using only the traits of embedded-io.
fn writes<T: Write<Error = IoError> + WriteReady>(to: &mut T) {
    assert_eq!((to.write_ready(), to.write(b"")), (Ok(true), Ok(0)));
    assert_eq!(to.write_all(b"123456789"), Err(IoError::Full), "all or nothing");
    assert_eq!((to.write(b"abc"), to.write(b"defghijk")), (Ok(3), Ok(5)));
    assert_eq!(
        (to.write_ready(), to.write(b"i"), to.write(b"")),
        (Ok(false), Err(IoError::Full), Ok(0))
    );
    assert_eq!((to.write_all(b"i"), to.flush()), (Err(IoError::Full), Ok(())));
}

/// Reads `abcd`, using only the traits of embedded-io.
fn reads<T: Read<Error = IoError> + BufRead + ReadReady>(from: &mut T) {
    let mut target = [0; 2];
    assert_eq!((from.read_ready(), from.read(&mut target), target), (Ok(true), Ok(2), *b"ab"));
    assert_eq!(from.fill_buf(), Ok(&b"cd"[..]));
    from.consume(1);
    assert_eq!((from.read(&mut target), target[0]), (Ok(1), b'd'));
}

/// Checks the results of all reading methods while there is no input.
fn waits<T: Read<Error = IoError> + BufRead + ReadReady>(from: &mut T) {
    assert_eq!(from.read_ready(), Ok(false));
    assert_eq!((from.read(&mut [0; 2]), from.read(&mut [])), (Err(IoError::NotReady), Ok(0)));
    assert_eq!(from.fill_buf(), Err(IoError::NotReady));
    from.consume(3);
}

#[test]
fn a_ring_is_written_and_read_by_the_traits() {
    let mut memory = [0; 8];
    let mut ring = RingBuffer::new(&mut memory);
    waits(&mut ring);
    writes(&mut ring);
    assert_eq!(ring.contiguous(8).unwrap(), b"abcdefgh");
    ring.clear();
    ring.write_all(b"abcd").unwrap();
    reads(&mut ring);
    waits(&mut ring);
}

fn on_a_conn(work: impl FnOnce(&mut Base<'_>, &mut App, picoevent::Conn)) {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app, 8, 8);
    work(&mut base, &mut app, conn);
}

#[test]
fn a_connection_is_written_and_read_by_the_traits() {
    on_a_conn(|base, _, conn| {
        writes(&mut base.conn(conn).unwrap());
        assert_eq!(drain_all(base, conn), b"abcdefgh");
        waits(&mut base.conn(conn).unwrap());
        feed(base, conn, b"abcd");
        reads(&mut base.conn(conn).unwrap());
        waits(&mut base.conn(conn).unwrap());
    });
}

#[test]
fn the_end_of_the_stream_is_a_read_of_no_bytes() {
    on_a_conn(|base, _, conn| {
        feed(base, conn, b"ab");
        base.peer_finished(conn);
        let mut view = base.conn(conn).unwrap();
        assert_eq!((Read::read(&mut view, &mut [0; 8]), view.read_ready()), (Ok(2), Ok(true)));
        assert_eq!((Read::read(&mut view, &mut [0; 8]), view.fill_buf()), (Ok(0), Ok(&[][..])));
    });
    on_a_conn(|base, _, conn| {
        let mut view = base.conn(conn).unwrap();
        view.close();
        assert_eq!(Read::read(&mut view, &mut [0; 8]), Ok(0));
        assert_eq!(Write::write(&mut view, b"x"), Err(IoError::Finished));
    });
}

#[test]
fn nothing_is_written_by_the_traits_after_our_end() {
    on_a_conn(|base, _, conn| {
        let mut view = base.conn(conn).unwrap();
        view.finish();
        assert_eq!(Write::write(&mut view, b"x"), Err(IoError::Finished));
        assert_eq!((view.write_all(b"x"), view.write_ready()), (Err(IoError::Finished), Ok(false)));
        // More input may still arrive. So a read does not return the end of the stream.
        let read = |view: &mut ConnMut<'_, '_, App>| Read::read(view, &mut [0; 8]);
        assert_eq!(read(&mut view), Err(IoError::NotReady));
    });
}

#[test]
fn each_error_has_a_kind_and_a_text() {
    let kinds = [
        (IoError::NotReady, ErrorKind::TimedOut, "there is no input now"),
        (IoError::Full, ErrorKind::WriteZero, "the ring has no room"),
        (IoError::Finished, ErrorKind::NotConnected, "the connection's sending side is finished"),
    ];
    for (error, kind, text) in kinds {
        assert_eq!((error.kind(), error.to_string().as_str()), (kind, text));
    }
}
