//! Input and output, and when their callbacks run.

use std::time::Duration;

use picoevent::{Action, ConnEvent, Direction, Priority, StaleError, WriteError};

use crate::{App, Base, actions, base, connect, drain, feed, listener, ms, peer, with_conn};

#[test]
fn nothing_is_read_while_reading_is_disabled() {
    let (mut base, mut app, conn) = with_conn();
    assert_eq!(feed(&mut base, conn, b"ab"), 0);
    base.conn(conn).unwrap().enable(Direction::Read);
    assert_eq!(actions(&mut base), [Action::Receive(conn)]);
    assert_eq!(feed(&mut base, conn, b"ab"), 2);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Readable]);
    base.conn(conn).unwrap().disable(Direction::Read);
    assert_eq!(feed(&mut base, conn, b"c"), 0);
    assert_eq!(base.conn(conn).unwrap().peek().0, b"ab", "the bytes in the ring stay");
}

#[test]
fn a_full_input_ring_receives_nothing_until_it_is_read() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().enable(Direction::Read);
    actions(&mut base);
    assert_eq!(feed(&mut base, conn, b"abcdef"), 4);
    assert_eq!(feed(&mut base, conn, b"ef"), 0);
    base.dispatch(&mut app);
    assert_eq!((app.calls(), actions(&mut base)), ([ConnEvent::Readable].into(), [].into()));
    let mut two = [0; 2];
    assert_eq!(base.conn(conn).unwrap().read(&mut two), 2);
    assert_eq!((&two, actions(&mut base)), (b"ab", [Action::Receive(conn)].into()));
    assert_eq!(feed(&mut base, conn, b"ef"), 2);
    let view = base.conn(conn).unwrap();
    assert_eq!((view.peek(), view.find(b"de")), ((&b"cd"[..], &b"ef"[..]), Some(1)));
    assert_eq!(base.conn(conn).unwrap().consume(usize::MAX), 4);
}

#[test]
fn settings_can_be_read() {
    let (mut base, mut app, conn) = with_conn();
    let mut view = base.conn(conn).unwrap();
    assert_eq!(view.timeouts(), (None, None));
    let urgent = Priority::new(2).unwrap();
    assert_eq!(view.priority(), Priority::DEFAULT);
    assert_eq!((view.set_priority(urgent), view.priority()), (Ok(()), urgent));
    assert!(!view.is_enabled(Direction::Read) && view.is_enabled(Direction::Write));
    view.set_timeouts(Some(ms(2)), Some(Duration::ZERO));
    view.enable(Direction::Read).disable(Direction::Write);
    assert_eq!(view.timeouts(), (Some(ms(2)), None), "zero is no timeout");
    assert!(view.is_enabled(Direction::Read) && !view.is_enabled(Direction::Write));
    base.peer_finished(conn);
    base.dispatch(&mut app);
    assert!(!base.conn(conn).unwrap().is_enabled(Direction::Read), "nothing more will come");
}

#[test]
fn a_back_end_that_reports_too_many_bytes_is_limited_to_the_ring() {
    let (mut base, _, conn) = with_conn();
    base.conn(conn).unwrap().enable(Direction::Read).write(b"abc").unwrap();
    base.received(conn, 1_000);
    base.sent(conn, 1_000);
    let view = base.conn(conn).unwrap();
    assert_eq!((view.input_len(), view.output_len(), view.room()), (4, 0, 8));
}

#[test]
fn write_takes_all_or_nothing_and_write_some_takes_what_fits() {
    let (mut base, _, conn) = with_conn();
    let mut view = base.conn(conn).unwrap();
    view.write(b"hello").unwrap();
    assert_eq!(view.write(b"world"), Err(WriteError::Full { room: 3 }));
    assert_eq!((view.write_some(b"world"), view.write_some(b"!")), (3, 0));
    assert_eq!(actions(&mut base), [Action::Send(conn)]);
    assert_eq!(drain(&mut base, conn, 99), b"hellowor");
    assert_eq!(WriteError::Full { room: 3 }.to_string(), "the ring has room for 3 bytes only");
}

#[cfg(feature = "record")]
#[test]
fn the_longest_write_may_be_one_that_was_refused() {
    let (mut base, _, conn) = with_conn();
    assert_eq!(base.longest_write(), 0);
    assert!(base.conn(conn).unwrap().write(b"123456789").is_err());
    base.conn(conn).unwrap().write(b"1").unwrap();
    assert_eq!(base.longest_write(), 9);
}

#[test]
fn writable_is_reported_when_the_last_byte_is_sent_and_not_before() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().enable(Direction::Write);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [], "enabling with nothing to send is not reported");
    base.conn(conn).unwrap().write(b"abc").unwrap();
    drain(&mut base, conn, 2);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), []);
    drain(&mut base, conn, 2);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Writable]);
}

#[test]
fn output_is_not_sent_while_writing_is_disabled() {
    let (mut base, _, conn) = with_conn();
    base.conn(conn).unwrap().disable(Direction::Write).write(b"abc").unwrap();
    assert_eq!((actions(&mut base), drain(&mut base, conn, 9)), ([].into(), [].into()));
    base.conn(conn).unwrap().enable(Direction::Write);
    assert_eq!(actions(&mut base), [Action::Send(conn)]);
    assert_eq!(drain(&mut base, conn, 9), b"abc");
}

#[test]
fn callbacks_of_one_connection_run_in_order_data_before_the_end() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().enable(Direction::Read).write(b"abc").unwrap();
    base.peer_finished(conn);
    drain(&mut base, conn, 9);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Writable, ConnEvent::Eof]);
    base.peer_finished(conn);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [], "the end comes once");
}

#[test]
fn after_the_end_of_stream_input_can_be_read_and_output_is_sent() {
    let (mut base, mut app, conn) = with_conn();
    base.conn(conn).unwrap().enable(Direction::Read);
    feed(&mut base, conn, b"ab");
    base.peer_finished(conn);
    base.dispatch(&mut app);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Readable, ConnEvent::Eof]);
    assert_eq!(base.conn(conn).unwrap().enable(Direction::Read).peek().0, b"ab");
    assert_eq!(feed(&mut base, conn, b"c"), 0, "nothing comes after the end");
    base.conn(conn).unwrap().write(b"bye").unwrap();
    assert_eq!(drain(&mut base, conn, 9), b"bye");
}

#[test]
fn an_outgoing_connection_sends_what_was_queued_before() {
    let (mut base, mut app) = (base(), App::default());
    let conn = connect(&mut base);
    base.conn(conn).unwrap().write(b"hi").unwrap();
    assert_eq!(actions(&mut base), [Action::Connect(conn)]);
    assert_eq!(drain(&mut base, conn, 9), b"");
    base.connected(conn);
    assert_eq!(actions(&mut base), [Action::Receive(conn), Action::Send(conn)]);
    assert_eq!(drain(&mut base, conn, 9), b"hi");
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Opened, ConnEvent::Writable]);
    assert_eq!(base.conn(conn).unwrap().peer_addr(), Some(peer()));
}

#[test]
fn transfer_moves_what_fits_and_requests_actions_for_both_connections() {
    let (mut base, mut app) = (base(), App::default());
    let listener = listener(&mut base);
    let (a, b) =
        (base.accepted(listener, peer()).unwrap(), base.accepted(listener, peer()).unwrap());
    base.dispatch(&mut app);
    base.conn(a).unwrap().enable(Direction::Read);
    base.conn(b).unwrap().write(b"123456").unwrap();
    actions(&mut base);
    feed(&mut base, a, b"wxyz");
    let transfer = |base: &mut Base, from, to| base.conn(from)?.transfer(to);
    assert_eq!(transfer(&mut base, a, b), Ok(2));
    assert_eq!(base.conn(a).unwrap().peek().0, b"yz");
    assert_eq!(actions(&mut base), [Action::Send(b), Action::Receive(a)]);
    assert_eq!(drain(&mut base, b, 99), b"123456wx");
    assert_eq!(transfer(&mut base, a, a), Ok(2), "an echo");
    assert_eq!(drain(&mut base, a, 99), b"yz");
    base.conn(b).unwrap().abort();
    assert_eq!(
        (transfer(&mut base, a, b), transfer(&mut base, b, a)),
        (Err(StaleError), Err(StaleError))
    );
}
