//! A due callback is checked again before it is called.

use picoevent::{Conn, ConnEvent, Cx, Direction, Priority, StillActiveError};

use super::{ABORTED, App, Base, actions, base, drain, feed, listener, peer};

/// Returns two accepted connections with reading enabled.
fn pair(base: &mut Base, app: &mut App) -> (Conn, Conn) {
    let listener = listener(base);
    let (first, second) = (base.accepted(listener, peer()), base.accepted(listener, peer()));
    base.dispatch(app);
    app.calls();
    let (first, second) = (first.unwrap(), second.unwrap());
    for conn in [first, second] {
        base.conn(conn).unwrap().enable(Direction::Read);
    }
    actions(base);
    app.other = Some(second);
    (first, second)
}

/// Reports a received byte for the first connection. Then calls `report`, which makes callbacks of the second
/// connection due. Then runs one pass: the callback of the first connection runs first, and calls `change` for the
/// second connection. Returns the events with which the second connection's callback was called.
fn meanwhile(
    base: &mut Base,
    app: &mut App,
    (first, second): (Conn, Conn),
    change: fn(&mut Cx<App>, Conn),
    report: impl FnOnce(&mut Base),
) -> Vec<ConnEvent> {
    app.react = Some(|app, conn, _| {
        if let Some(change) = app.change.take() {
            app.calls.clear();
            conn.consume(9);
            change(conn.cx(), app.other.unwrap());
        }
    });
    app.change = Some(change);
    feed(base, first, b"x");
    report(base);
    base.dispatch(app);
    assert!(base.conn(second).is_ok() && app.change.is_none(), "the change was made");
    app.calls()
}

#[test]
fn a_write_callback_does_not_run_while_output_is_left() {
    let (mut base, mut app) = (base(), App::default());
    let (first, second) = pair(&mut base, &mut app);
    base.conn(second).unwrap().write(b"abc").unwrap();
    let more: fn(&mut Cx<App>, Conn) = |cx, other| cx.conn(other).unwrap().write(b"de").unwrap();
    let calls = meanwhile(&mut base, &mut app, (first, second), more, |base| {
        assert_eq!(drain(base, second, 9), b"abc");
    });
    assert_eq!(calls, [], "its output is not all sent any more");
    assert_eq!(drain(&mut base, second, 9), b"de");
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Writable]);
}

#[test]
fn a_read_callback_waits_while_reading_is_disabled_and_the_bytes_stay() {
    let (mut base, mut app) = (base(), App::default());
    let (first, second) = pair(&mut base, &mut app);
    let stop: fn(&mut Cx<App>, Conn) =
        |cx, other| _ = cx.conn(other).unwrap().disable(Direction::Read);
    let calls = meanwhile(&mut base, &mut app, (first, second), stop, |base| {
        feed(base, second, b"ab");
        base.peer_finished(second);
    });
    assert_eq!(calls, []);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [], "neither bytes nor their end are reported");
    base.conn(second).unwrap().enable(Direction::Read);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Readable]);
    assert_eq!(base.conn(second).unwrap().peek().0, b"ab");
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Eof]);
}

#[test]
fn a_read_callback_does_not_run_when_the_input_is_gone() {
    let (mut base, mut app) = (base(), App::default());
    let (first, second) = pair(&mut base, &mut app);
    let consume_all: fn(&mut Cx<App>, Conn) = |cx, other| _ = cx.conn(other).unwrap().consume(9);
    let calls = meanwhile(&mut base, &mut app, (first, second), consume_all, |base| {
        feed(base, second, b"ab");
    });
    assert_eq!(calls, []);
    feed(&mut base, second, b"c");
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Readable], "further input is reported");
}

#[test]
fn a_write_callback_waits_while_writing_is_disabled() {
    let (mut base, mut app) = (base(), App::default());
    let (first, second) = pair(&mut base, &mut app);
    base.conn(second).unwrap().write(b"abc").unwrap();
    let stop: fn(&mut Cx<App>, Conn) =
        |cx, other| _ = cx.conn(other).unwrap().disable(Direction::Write);
    let calls = meanwhile(&mut base, &mut app, (first, second), stop, |base| {
        drain(base, second, 9);
    });
    assert_eq!(calls, []);
    base.conn(second).unwrap().enable(Direction::Write);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [ConnEvent::Writable]);
}

#[test]
fn output_of_the_read_callback_can_be_sent_before_the_end_of_stream_is_reported() {
    let (mut base, mut app) = (base(), App::default());
    let (_, conn) = pair(&mut base, &mut app);
    // The callback echoes input, and aborts the connection at the end of the stream, as programs with libevent do.
    app.react = Some(|_, conn, event| match event {
        ConnEvent::Readable => _ = conn.transfer(conn.id()),
        _ => conn.abort(),
    });
    feed(&mut base, conn, b"tail");
    base.peer_finished(conn);
    base.dispatch(&mut app);
    assert!(actions(&mut base).contains(&picoevent::Action::Send(conn)));
    assert_eq!(drain(&mut base, conn, 9), b"tail");
    base.dispatch(&mut app);
    assert_eq!(actions(&mut base), [picoevent::Action::End(conn)]);
}

#[test]
fn input_before_the_end_of_the_stream_is_reported_before_it_whenever_reading_is_enabled() {
    let (mut base, mut app) = (base(), App::default());
    let listener = listener(&mut base);
    for enabled_before in [true, false] {
        let conn = base.accepted(listener, peer()).unwrap();
        base.dispatch(&mut app);
        assert_eq!(app.calls(), [ConnEvent::Opened]);
        base.conn(conn).unwrap().enable(Direction::Read);
        actions(&mut base);
        feed(&mut base, conn, b"x");
        if !enabled_before {
            base.conn(conn).unwrap().disable(Direction::Read);
        }
        base.peer_finished(conn);
        base.dispatch(&mut app);
        if !enabled_before {
            assert_eq!(app.calls(), []);
            base.conn(conn).unwrap().enable(Direction::Read);
            base.dispatch(&mut app);
        }
        assert_eq!(app.calls(), [ConnEvent::Readable]);
        base.dispatch(&mut app);
        assert_eq!(app.calls(), [ConnEvent::Eof]);
        base.conn(conn).unwrap().abort();
        base.dispatch(&mut app);
        assert_eq!(app.calls(), [ABORTED]);
        actions(&mut base);
    }
}

/// The input of the less urgent connection is reported first. So the order of the calls depends only on the priorities.
#[test]
fn a_more_urgent_connection_is_called_first() {
    let (mut base, mut app) = (base(), App::default());
    let (first, second) = pair(&mut base, &mut app);
    base.conn(second).unwrap().set_priority(Priority::HIGHEST).unwrap();
    app.react = Some(|app, conn, _| {
        app.conn = Some(conn.id());
        conn.consume(9);
    });
    feed(&mut base, first, b"x");
    feed(&mut base, second, b"x");
    let refused = base.conn(first).unwrap().set_priority(Priority::LOWEST);
    assert_eq!(refused, Err(StillActiveError), "its callback is due");
    for called in [second, first] {
        base.dispatch(&mut app);
        assert_eq!((app.calls(), app.conn), (vec![ConnEvent::Readable], Some(called)));
    }
}
