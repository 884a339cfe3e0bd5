//! Static bytes in the output: they are sent in order, part by part. All methods and timeouts treat them like other
//! output.

use std::time::Duration;

use picoevent::memory::StaticSlot;
use picoevent::{Action, ConnEvent, Direction, EventBase, Instant, Pool, SetupError, WriteError};

use crate::{App, actions, base_with, drain, drain_all, feed, open, passes, peer, storage};

const FREE: StaticSlot = StaticSlot::new();
static PAGE: &[u8] = b"a page that is longer than the ring";

#[test]
fn static_bytes_are_sent_in_order() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = base_with(&mut storage, [FREE; 3]);
    let conn = open(&mut base, &mut app, 8, 8);
    // Each round starts at another position in the ring.
    for shift in 0..8 {
        base.conn(conn).unwrap().write(&b"shifted"[..shift]).unwrap();
        drain_all(&mut base, conn);
        let mut view = base.conn(conn).unwrap();
        view.write_static(b"<").unwrap();
        view.write(b"ab").unwrap();
        view.write_static(PAGE).unwrap();
        view.write_static(b">>").unwrap();
        write!(view, "{}", 12).unwrap();
        assert_eq!((view.output_len(), view.room()), (7 + PAGE.len(), 1));
        let sent = drain_all(&mut base, conn);
        assert_eq!(sent, [b"<ab", PAGE, b">>12"].concat(), "shifted by {shift}");
        assert_eq!(base.conn(conn).unwrap().output_len(), 0);
    }
}

#[test]
fn the_back_end_gets_static_bytes_in_parts_and_is_requested_to_send_each() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = base_with(&mut storage, [FREE; 2]);
    let conn = open(&mut base, &mut app, 8, 8);
    let mut view = base.conn(conn).unwrap();
    view.write(b"abc").unwrap();
    view.write_static(PAGE).unwrap();
    view.write(b"de").unwrap();
    assert_eq!(actions(&mut base), [Action::Send(conn)]);
    assert_eq!(base.output(conn), (&b"abc"[..], &[][..]));
    assert_eq!(drain(&mut base, conn, 2), b"ab");
    assert_eq!(base.output(conn), (&b"c"[..], &[][..]));
    drain(&mut base, conn, 1);
    assert_eq!(actions(&mut base), [Action::Send(conn)]);
    // The addresses are those of `PAGE`, so the bytes were not copied.
    assert_eq!(base.output(conn).0.as_ptr_range(), PAGE.as_ptr_range());
    drain(&mut base, conn, 10);
    assert_eq!(base.output(conn).0.as_ptr(), PAGE[10..].as_ptr());
    assert_eq!(base.conn(conn).unwrap().output_len(), PAGE.len() - 10 + 2);
    drain(&mut base, conn, usize::MAX);
    assert_eq!(actions(&mut base), [Action::Send(conn)]);
    assert_eq!(drain(&mut base, conn, usize::MAX), b"de");
    assert_eq!((actions(&mut base), base.output(conn).0), (vec![], &[][..]));
    base.sent(conn, 5);
    assert_eq!(actions(&mut base), []);
}

#[test]
fn a_back_end_that_reports_more_sent_bytes_than_it_got_loses_no_output() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = base_with(&mut storage, [FREE; 2]);
    let conn = open(&mut base, &mut app, 8, 8);
    let mut view = base.conn(conn).unwrap();
    view.write(b"abc").unwrap();
    view.write_static(PAGE).unwrap();
    view.write(b"de").unwrap();
    base.sent(conn, usize::MAX);
    assert_eq!(base.output(conn).0, PAGE);
    base.sent(conn, 0);
    assert_eq!(base.output(conn).0, PAGE);
    base.sent(conn, usize::MAX);
    assert_eq!(base.output(conn).0, b"de");
}

#[test]
fn writable_is_reported_when_static_bytes_are_sent_and_room_is_that_of_the_ring() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = base_with(&mut storage, [FREE; 2]);
    let conn = open(&mut base, &mut app, 8, 4);
    let mut view = base.conn(conn).unwrap();
    view.write(b"abc").unwrap();
    view.write_static(PAGE).unwrap();
    assert_eq!((view.room(), view.write(b"x")), (0, Err(WriteError::Full { room: 0 })));
    view.wait_for_room(3);
    assert_eq!(passes(&mut base, &mut app), []);
    drain(&mut base, conn, 3);
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Writable], "there is the room");
    drain(&mut base, conn, PAGE.len() - 1);
    assert_eq!(passes(&mut base, &mut app), [], "a byte of the page is unsent");
    drain(&mut base, conn, 1);
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Writable]);
}

#[test]
fn our_end_of_stream_and_a_close_wait_for_static_bytes() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = base_with(&mut storage, [FREE; 2]);
    for closes in [false, true] {
        let conn = open(&mut base, &mut app, 8, 8);
        let mut view = base.conn(conn).unwrap();
        view.write_static(PAGE).unwrap();
        if closes {
            view.close()
        } else {
            view.finish()
        }
        passes(&mut base, &mut app);
        let end = Action::End(conn);
        assert!(!actions(&mut base).contains(&end));
        // The back end reports `delivered` before the base has requested the end of the stream. This report is ignored.
        drain(&mut base, conn, PAGE.len() - 1);
        base.delivered(conn);
        assert!(!actions(&mut base).contains(&end) && !base.is_lingering(conn));
        assert_eq!(drain(&mut base, conn, usize::MAX), b"g");
        assert_eq!(actions(&mut base), [end]);
        base.delivered(conn);
        assert_eq!(base.is_lingering(conn), closes);
        passes(&mut base, &mut app);
    }
}

#[test]
fn an_abort_after_the_peers_end_resets_when_static_bytes_are_unsent() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = base_with(&mut storage, [FREE; 2]);
    let conn = open(&mut base, &mut app, 8, 8);
    base.peer_finished(conn);
    let mut view = base.conn(conn).unwrap();
    view.write_static(PAGE).unwrap();
    view.abort();
    passes(&mut base, &mut app);
    assert_eq!(actions(&mut base), [Action::Reset(conn)]);
}

#[test]
fn each_static_byte_that_is_sent_is_progress() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = base_with(&mut storage, [FREE; 2]);
    let conn = open(&mut base, &mut app, 8, 8);
    let mut view = base.conn(conn).unwrap();
    view.set_timeouts(None, Some(Duration::from_millis(10)));
    view.write_static(PAGE).unwrap();
    for iteration in 1..=4 {
        base.advance(Instant::from_micros(iteration * 9_000));
        assert_eq!(passes(&mut base, &mut app), []);
        drain(&mut base, conn, 1);
    }
    base.advance(Instant::from_micros(46_000));
    // Sending zero bytes is no progress.
    base.sent(conn, 0);
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Timeout(Direction::Write)]);
    assert_eq!(base.output(conn).0, b"", "writing is disabled");
    base.conn(conn).unwrap().enable(Direction::Write);
    assert_eq!(base.output(conn).0, &PAGE[4..]);
}

#[test]
fn static_bytes_that_are_written_before_the_open_are_sent_first() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = base_with(&mut storage, [FREE; 2]);
    let pool = base.add_pool(Pool::new(1).rings(8, 8)).unwrap();
    let conn = base.connect_with(peer(), pool, &crate::SETTINGS, App::record).unwrap();
    base.conn(conn).unwrap().write_static(PAGE).unwrap();
    base.conn(conn).unwrap().write(b"!").unwrap();
    base.sent(conn, 3);
    assert_eq!(base.output(conn).0, b"");
    base.connected(conn);
    assert_eq!(drain_all(&mut base, conn), [PAGE, b"!"].concat());
    assert_eq!(passes(&mut base, &mut app), [ConnEvent::Opened, ConnEvent::Writable]);
}

#[test]
fn bytes_can_be_transferred_and_reserved_behind_static_bytes() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = base_with(&mut storage, [FREE; 2]);
    let conn = open(&mut base, &mut app, 8, 8);
    base.conn(conn).unwrap().write(b"....ab").unwrap();
    drain(&mut base, conn, 4);
    feed(&mut base, conn, b"echo");
    let mut view = base.conn(conn).unwrap();
    view.write_static(PAGE).unwrap();
    assert_eq!(view.transfer_some(conn, 1), Ok(1));
    // The room wraps at the end of the ring now.
    let written = view.write_with(4, |room| {
        room.copy_from_slice(b"1234");
        4
    });
    assert_eq!(written, Ok(4));
    assert_eq!(drain_all(&mut base, conn), [b"ab", PAGE, b"e1234"].concat());
}

#[test]
fn static_slots_can_be_set_once_and_are_needed_for_static_bytes() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let conn = open(&mut base, &mut app, 8, 8);
    let mut view = base.conn(conn).unwrap();
    assert_eq!(view.write_static(PAGE), Err(WriteError::Statics));
    assert_eq!((view.write_static(b""), view.output_len()), (Ok(()), 0));
    base.set_static_slots(&mut []).unwrap();
    let mut slots = [FREE; 1];
    base.set_static_slots(&mut slots).unwrap();
    let mut others = [FREE; 1];
    let refused = base.set_static_slots(&mut others);
    assert_eq!(refused, Err(SetupError::Statics));
    assert_eq!(SetupError::Statics.to_string(), "the base already has slots for static slices");
    let mut view = base.conn(conn).unwrap();
    view.write_static(PAGE).unwrap();
    assert_eq!(view.write_static(PAGE), Err(WriteError::Statics));
    let text = "all slots for static slices are in use: give the base more slots";
    assert_eq!(WriteError::Statics.to_string(), text);
    assert_eq!((view.write(b"x"), view.output_len()), (Ok(()), PAGE.len() + 1));
    view.finish();
    assert_eq!(view.write_static(PAGE), Err(WriteError::Finished));
    assert_eq!(drain_all(&mut base, conn), [PAGE, b"x"].concat());
}
