//! Bytes: a write is all or nothing, input is reported only if there is room for an answer, and bytes can be
//! transferred between pools.

use picoevent::{ConnEvent, Pool, Settings, WriteError};

use crate::{App, SETTINGS, base, drain, feed, listen, open_with, passes, peer, with_conn};

#[test]
fn a_write_is_all_or_nothing_and_its_error_has_the_room() {
    let (mut base, _, conn) = with_conn();
    let mut view = base.conn(conn).unwrap();
    assert_eq!(view.write(b"123456789"), Err(WriteError::TooLong { size: 8 }));
    assert_eq!(write!(view, "{}{}", 12345, 6789), Err(WriteError::TooLong { size: 8 }));
    view.write(b"12345").unwrap();
    assert_eq!(view.write(b"6789"), Err(WriteError::Full { room: 3 }));
    assert_eq!(write!(view, "{}{}", 67, 89), Err(WriteError::Full { room: 3 }));
    assert_eq!(view.write(b"123456789"), Err(WriteError::TooLong { size: 8 }), "it never fits");
    assert_eq!(write!(view, "{}-", 67), Ok(()));
    assert_eq!(
        (view.room(), view.write(b""), view.write(b"x")),
        (0, Ok(()), Err(WriteError::Full { room: 0 }),)
    );
    assert_eq!(drain(&mut base, conn, 99), b"1234567-");
    let text = WriteError::TooLong { size: 8 }.to_string();
    assert_eq!(text, "the data is longer than the ring of 8 bytes: make the ring longer");
}

#[test]
fn text_that_does_not_fit_leaves_nothing_even_across_the_end_of_the_ring() {
    let (mut base, _, conn) = with_conn();
    for start in 0..8 {
        // Each round starts at another position in the ring, with one byte in the ring.
        base.conn(conn).unwrap().write(b"abcdefg").unwrap();
        drain(&mut base, conn, 6);
        assert_eq!(write!(base.conn(conn).unwrap(), "{}{}{}", 12, 345, 678), Err(full(7)));
        assert_eq!(base.conn(conn).unwrap().output_len(), 1);
        write!(base.conn(conn).unwrap(), "{}{}", 12, 345).unwrap();
        assert_eq!(drain(&mut base, conn, 2 + start % 3), b"g1234"[..2 + start % 3].to_vec());
        drain(&mut base, conn, 99);
        base.conn(conn).unwrap().write_some(&b"shift"[..start % 5]);
        drain(&mut base, conn, 99);
    }
}

fn full(room: usize) -> WriteError {
    WriteError::Full { room }
}

#[test]
fn nothing_is_written_after_the_end_of_the_sending_side() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().finish();
    let mut view = base.conn(conn).unwrap();
    assert_eq!(write!(view, "x"), Err(WriteError::Finished));
    assert_eq!((view.write(b""), view.room()), (Err(WriteError::Finished), 0));
    view.wait_for_room(1);
    assert_eq!(passes(&mut base, &mut app), []);
}

static ANSWERS: Settings = Settings::new().room(6);

#[test]
fn input_and_its_end_wait_for_the_room_that_an_answer_takes() {
    let (mut base, mut app) = (base(), App::default());
    let conn = open_with(&mut base, &mut app, &ANSWERS);
    base.conn(conn).unwrap().write(b"123").unwrap();
    feed(&mut base, conn, b"ask");
    base.peer_finished(conn);
    assert_eq!(passes(&mut base, &mut app), [], "there is room for five bytes");
    drain(&mut base, conn, 1);
    base.dispatch(&mut app);
    assert_eq!(app.take_events(), [ConnEvent::Readable]);
    base.dispatch(&mut app);
    assert_eq!(app.take_events(), [ConnEvent::Eof], "in a later pass");
    assert_eq!(passes(&mut base, &mut app), []);
}

#[test]
fn input_that_is_left_is_reported_again_when_there_is_room_again() {
    let (mut base, mut app) = (base(), App::default());
    let conn = open_with(&mut base, &mut app, &ANSWERS);
    app.react = Some(|_, conn, event| {
        if event == ConnEvent::Readable {
            let mut line = [0; 3];
            while conn.room() >= 6 && conn.read(&mut line) > 0 {
                conn.write(b"answer").unwrap();
            }
        }
    });
    feed(&mut base, conn, b"abcdefgh");
    let mut answers = 0;
    while passes(&mut base, &mut app).contains(&ConnEvent::Readable) {
        assert_eq!(drain(&mut base, conn, 99), b"answer");
        answers += 1;
    }
    assert_eq!((answers, base.conn(conn).unwrap().input_len()), (3, 0));
}

#[test]
fn an_echo_through_rings_that_are_smaller_than_the_stream_loses_nothing() {
    let (mut base, mut app) = (base(), App::default());
    let pool = base.add_pool(Pool::new(1).rings(7, 3)).unwrap();
    let listener = listen(&mut base, pool, &SETTINGS);
    let conn = base.accepted(listener, peer()).unwrap();
    app.react = Some(|_, conn, event| match event {
        ConnEvent::Readable => _ = conn.transfer(conn.id()),
        ConnEvent::Eof => conn.close(),
        _ => {}
    });
    let stream: Vec<u8> = (0..=255).cycle().take(1_000).collect();
    let (mut sent, mut echoed) = (0, Vec::new());
    let mut iterations = 0;
    passes(&mut base, &mut app);
    while echoed.len() < stream.len() {
        sent += feed(&mut base, conn, &stream[sent..]);
        if sent == stream.len() {
            base.peer_finished(conn);
        }
        base.dispatch(&mut app);
        echoed.extend(drain(&mut base, conn, 2));
        iterations += 1;
        assert!(iterations < 2_000, "the echo has stopped after {} bytes", echoed.len());
    }
    assert_eq!(echoed, stream);
}

#[test]
fn bytes_move_between_pools_in_both_directions() {
    let (mut base, mut app) = (base(), App::default());
    let pools = [Pool::new(1).rings(4, 2), Pool::new(1).rings(3, 8)];
    let pools = base.add_pools(pools).unwrap();
    let conns = pools.map(|pool| {
        let listener = listen(&mut base, pool, &SETTINGS);
        base.accepted(listener, peer()).unwrap()
    });
    passes(&mut base, &mut app);
    // The bytes wrap at the ends of the rings in some rounds.
    for _ in 0..9 {
        for (from, to, moved) in [(0, 1, 4), (1, 0, 2), (0, 0, 2), (1, 1, 3)] {
            feed(&mut base, conns[from], b"abcdef");
            let amount = base.conn(conns[from]).unwrap().transfer(conns[to]).unwrap();
            assert_eq!(amount, moved, "from {from} to {to}");
            assert_eq!(drain(&mut base, conns[to], 99), b"abcd"[..moved]);
            let left = base.conn(conns[from]).unwrap().consume(99);
            assert_eq!(left, [4, 3][from] - moved);
            // The next transfer starts at another position.
            feed(&mut base, conns[from], b"x");
            feed(&mut base, conns[from], b"y");
            base.conn(conns[from]).unwrap().consume(1);
            base.conn(conns[from]).unwrap().consume(1);
        }
    }
    base.conn(conns[1]).unwrap().finish();
    feed(&mut base, conns[0], b"abc");
    assert_eq!(base.conn(conns[0]).unwrap().transfer(conns[1]), Ok(0), "it takes no more");
}
