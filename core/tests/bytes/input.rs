//! Input of a connection: bytes are prepended, lines are read without a copy, and the result of a search for a line is
//! stored.

use picoevent::{
    Action, ConnEnd, ConnError, ConnEvent, ConnMut, Eol, EventBase, Instant, Pool, RingBuffer,
    WriteError,
};

use crate::{App, accept, actions, connect, drain, feed, open, passes, peer, storage};

#[test]
fn prepended_bytes_are_read_first_and_cause_no_callback() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app, 8, 8);
    let mut view = base.conn(conn).unwrap();
    assert_eq!(view.prepend(b"head"), Ok(()));
    assert_eq!(view.prepend(b"12345"), Err(WriteError::Full { room: 4 }));
    assert_eq!(view.prepend(&[0; 9]), Err(WriteError::TooLong { size: 8 }));
    assert_eq!(passes(&mut base, &mut app), []);
    feed(&mut base, conn, b"er");
    base.conn(conn).unwrap().prepend(b"a ").unwrap();
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Readable]);
    let mut view = base.conn(conn).unwrap();
    assert_eq!(view.contiguous(8).unwrap(), b"a header");
    view.read_again();
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Readable]);
}

#[test]
fn prepend_fails_before_a_connection_is_open_and_after_its_end() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let pool = base.add_pool(Pool::new(1).rings(8, 8)).unwrap();
    let conn = base.outgoing_with(pool, &crate::SETTINGS, App::record).unwrap();
    assert_eq!(base.conn(conn).unwrap().prepend(b"x"), Err(WriteError::Finished), "at rest");
    base.conn(conn).unwrap().connect(peer()).unwrap();
    assert_eq!(base.conn(conn).unwrap().prepend(b"x"), Err(WriteError::Finished));
    actions(&mut base);
    base.connected(conn);
    passes(&mut base, &mut app);
    let mut view = base.conn(conn).unwrap();
    assert_eq!(view.prepend(b"x"), Ok(()));
    view.close();
    assert_eq!((view.prepend(b"x"), view.input_len()), (Err(WriteError::Finished), 0));
}

#[test]
fn take_line_consumes_the_line_and_its_room_can_be_received_into() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app, 8, 8);
    feed(&mut base, conn, b"......\na");
    let mut view = base.conn(conn).unwrap();
    assert_eq!(view.take_line(Eol::Lf), Some(Ok(&b"......"[..])));
    assert_eq!(view.input_len(), 1);
    feed(&mut base, conn, b"bcde\rfg");
    // The line wraps at the end of the ring.
    let mut view = base.conn(conn).unwrap();
    assert_eq!(view.take_line(Eol::Any), Some(Ok(&b"abcde"[..])));
    assert_eq!(view.take_line(Eol::Any), None);
    assert_eq!(view.input_len(), 2);
    view.close();
    assert_eq!(view.take_line(Eol::Any), None);
}

#[test]
fn a_search_does_not_change_the_reason_for_an_end() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app, 64, 8);
    feed(&mut base, conn, b"a line that does not end");
    assert_eq!(base.conn(conn).unwrap().find_eol(Eol::Nul), None);
    base.failed(conn, ConnError::TimedOut);
    app.react = Some(|conn, _| {
        assert_eq!((conn.find_eol(Eol::Lf), conn.consume(2)), (None, 2));
        assert_eq!((conn.find_eol(Eol::Lf), conn.find_eol(Eol::Nul)), (None, None));
    });
    assert_eq!(base.conn(conn).unwrap().find_eol(Eol::Lf), None);
    let end = ConnEvent::Ended(ConnEnd::Failed(ConnError::TimedOut));
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Readable, end]);
}

#[test]
fn a_connection_that_reconnects_has_no_result_of_an_earlier_search() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = connect(&mut base, &mut app, 64, 8);
    feed(&mut base, conn, b"not yet a line");
    assert_eq!(base.conn(conn).unwrap().find_eol(Eol::Lf), None);
    app.react = Some(|conn, event| {
        if matches!(event, ConnEvent::Ended(_)) {
            conn.connect(peer()).unwrap();
        }
    });
    base.advance(Instant::from_micros(1));
    base.failed(conn, ConnError::Reset);
    passes(&mut base, &mut app);
    actions(&mut base);
    base.connected(conn);
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Opened]);
    feed(&mut base, conn, b"a\nb\0");
    let mut view = base.conn(conn).unwrap();
    assert_eq!((view.find_eol(Eol::Lf), view.find_eol(Eol::Nul)), (Some(1..2), Some(3..4)));
}

#[test]
fn the_next_connection_in_a_slot_has_no_result_of_an_earlier_search() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let pool = base.add_pool(Pool::new(1).rings(8, 8)).unwrap();
    for _ in 0..3 {
        let conn = accept(&mut base, &mut app, pool);
        feed(&mut base, conn, b"a\n");
        let mut view = base.conn(conn).unwrap();
        assert_eq!(view.find_eol(Eol::Lf), Some(1..2));
        view.close();
        base.peer_finished(conn);
        actions(&mut base);
        base.delivered(conn);
        passes(&mut base, &mut app);
        assert_eq!(actions(&mut base), [Action::Close(conn)]);
    }
}

#[test]
fn lines_are_found_in_the_last_callback_whatever_the_end() {
    use ConnError::{AddressLost, NoSocket, Reset, System, TimedOut, Unreachable};
    for error in [Reset, TimedOut, Unreachable, AddressLost, NoSocket, System(110)] {
        let (mut storage, mut app) = (storage(), App::default());
        let mut base = EventBase::new(&mut storage);
        let conn = open(&mut base, &mut app, 8, 8);
        feed(&mut base, conn, b"a\r\n\0");
        base.failed(conn, error);
        app.react = Some(|conn, _| {
            let ends = [Eol::Lf, Eol::CrlfStrict, Eol::Any, Eol::Nul].map(|eol| conn.find_eol(eol));
            assert_eq!(ends, [Some(2..3), Some(1..3), Some(1..3), Some(3..4)]);
        });
        let end = ConnEvent::Ended(ConnEnd::Failed(error));
        assert_eq!(passes(&mut base, &mut app), [ConnEvent::Readable, end]);
    }
}

#[test]
fn transfer_some_moves_the_given_amount_and_not_more() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app, 8, 4);
    feed(&mut base, conn, b"abcdefgh");
    let mut view = base.conn(conn).unwrap();
    assert_eq!(view.find_eol(Eol::Lf), None);
    // The input is transferred to the output of the same connection, as an echo does.
    assert_eq!(view.transfer_some(conn, 0), Ok(0));
    assert_eq!(view.transfer_some(conn, 3), Ok(3));
    assert_eq!(view.transfer_some(conn, 3), Ok(1), "there is no more room");
    assert_eq!((view.peek().0, view.output_len()), (&b"efgh"[..], 4));
    feed(&mut base, conn, b"\n");
    assert_eq!(base.conn(conn).unwrap().find_eol(Eol::Lf), Some(4..5));
    assert_eq!(crate::drain_all(&mut base, conn), b"abcd");
    let mut view = base.conn(conn).unwrap();
    view.abort();
    assert!(view.transfer_some(conn, 1).is_err());
}

#[test]
fn bytes_move_through_a_ring_of_the_application_until_the_end() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app, 8, 4);
    let mut memory = [0; 6];
    let mut ring = RingBuffer::new(&mut memory);
    feed(&mut base, conn, b"abcdefgh");
    let mut view = base.conn(conn).unwrap();
    assert_eq!(view.transfer_to_ring(&mut ring, usize::MAX), 6);
    assert_eq!(view.transfer_from_ring(&mut ring, usize::MAX), 4);
    assert_eq!((view.input_len(), ring.len()), (2, 2));
    view.finish();
    assert_eq!((view.transfer_from_ring(&mut ring, 1), ring.len()), (0, 2), "nothing is lost");
    view.abort();
    assert_eq!(view.transfer_from_ring(&mut ring, 1), 0);
}

#[test]
fn taking_no_input_does_not_end_a_wait_for_input() {
    let take_none: [fn(&mut ConnMut<App>) -> usize; 4] = [
        |conn| conn.consume(0),
        |conn| conn.read(&mut []),
        |conn| conn.transfer(conn.id()).unwrap(),
        |conn| conn.transfer_to_ring(&mut RingBuffer::new(&mut []), usize::MAX),
    ];
    for take in take_none {
        let (mut storage, mut app) = (storage(), App::default());
        let mut base = EventBase::new(&mut storage);
        let conn = open(&mut base, &mut app, 8, 2);
        feed(&mut base, conn, b"ab");
        assert_eq!(passes(&mut base, &mut app), [ConnEvent::Readable]);
        let mut view = base.conn(conn).unwrap();
        // The output is full, so nothing can be transferred to it.
        view.write(b"no").unwrap();
        view.wait_for_input(4);
        assert_eq!(take(&mut view), 0);
        drain(&mut base, conn, 2);
        feed(&mut base, conn, b"c");
        assert_eq!(passes(&mut base, &mut app), [ConnEvent::Writable]);
        feed(&mut base, conn, b"d");
        assert_eq!(passes(&mut base, &mut app), [ConnEvent::Readable]);
    }
}

#[test]
fn input_that_was_changed_in_place_is_searched_again() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app, 8, 8);
    feed(&mut base, conn, b"ab de");
    let mut view = base.conn(conn).unwrap();
    assert_eq!(view.find_eol(Eol::Lf), None);
    view.contiguous(5).unwrap()[2] = b'\n';
    assert_eq!(view.find_eol(Eol::Lf), Some(2..3));
}

#[test]
fn bytes_of_a_ring_that_were_changed_in_place_are_searched_again() {
    let mut memory = [0; 8];
    let mut ring = RingBuffer::new(&mut memory);
    ring.write(b"ab de").unwrap();
    assert_eq!(ring.find_eol(Eol::Lf), None);
    ring.contiguous(5).unwrap()[2] = b'\n';
    assert_eq!(ring.find_eol(Eol::Lf), Some(2..3));
}
