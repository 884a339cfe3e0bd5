//! News that the base did not request, that comes twice, late or never, or that is about freed objects.

use std::time::Duration;

use picoevent::{
    AcceptError, Action, Conn, ConnError, Direction, End, EventBase, EventFlags, ListenError,
    Listener, Signal,
};
use picoevent_conformance::App;

use crate::unruly::{ADDRESS, Unruly};

/// Feeds each kind of news of a connection.
fn everything(base: &mut EventBase<'_, App>, conn: Conn) {
    base.connected(conn);
    if let Some((first, _)) = base.input(conn) {
        first[0] = b'x';
    }
    base.received(conn, 1);
    base.sent(conn, 1);
    base.finished(conn);
    base.delivered(conn);
    base.failed(conn, ConnError::Reset);
}

fn everything_of(base: &mut EventBase<'_, App>, listener: Listener) {
    assert_eq!(base.accepted(listener, ADDRESS.into()), Err(AcceptError::NoListener));
    base.listen_failed(listener, ListenError::InUse);
}

#[test]
fn news_of_freed_objects_is_ignored() {
    let mut unruly = Unruly::new();
    let accepted = unruly.accepted();
    let listener = unruly.app.listeners[0];
    let connecting = unruly.connecting();
    for conn in [accepted, connecting] {
        unruly.base.conn(conn).unwrap().abort();
    }
    unruly.base.listener(listener).unwrap().free();
    // Here the back end has not been told yet that the listener was freed. Below it has been told.
    everything_of(&mut unruly.base, listener);
    unruly.expect(["0 Ended(Aborted)", "1 Ended(Aborted)"]);
    let before = unruly.base.counts();
    for conn in [accepted, connecting] {
        unruly.feed(move |base| everything(base, conn));
    }
    unruly.feed(move |base| everything_of(base, listener));
    unruly.expect([]);
    assert_eq!(unruly.base.counts(), before);
    // The news does not reach the connection that has the slot now, either.
    let fresh = unruly.connecting();
    let other = if fresh.index() == accepted.index() { accepted } else { connecting };
    assert_eq!(other.index(), fresh.index());
    unruly.feed(move |base| everything(base, other));
    unruly.expect([]);
    assert!(unruly.base.conn(fresh).is_ok());
    unruly.end();
}

#[test]
fn news_of_an_aborted_connection_comes_before_the_back_end_was_told() {
    let mut unruly = Unruly::new();
    let accepted = unruly.accepted();
    unruly.base.conn(accepted).unwrap().write(b"output").unwrap();
    unruly.base.conn(accepted).unwrap().abort();
    everything(&mut unruly.base, accepted);
    unruly.expect(["0 Ended(Aborted)"]);
    assert_eq!(unruly.base.counts().conns, 0);
    unruly.end();
}

#[test]
fn news_that_was_not_asked_for_is_ignored() {
    let mut unruly = Unruly::new();
    let conn = unruly.accepted();
    // The connection was open before, has no output, and has not ended its stream.
    unruly.feed(move |base| {
        base.connected(conn);
        base.sent(conn, 1000);
        base.delivered(conn);
        base.received(conn, 0);
    });
    // No event waits for this signal.
    unruly.feed(|base| base.raised(Signal::INT, 7));
    let source = unruly.base.new_source();
    assert!(source.is_err(), "there is no room for one");
    unruly.expect([]);
    let connecting = unruly.connecting();
    unruly.feed(move |base| {
        assert!(base.input(connecting).is_none() && base.output(connecting) == (&[], &[]));
        base.finished(connecting);
        base.delivered(connecting);
        base.sent(connecting, 9);
    });
    unruly.expect([]);
    unruly.end();
}

#[test]
fn more_input_than_there_is_room_for_is_cut() {
    let mut unruly = Unruly::new();
    unruly.app.reads = false;
    let conn = unruly.accepted();
    // The back end does not ask for room before, and reading is disabled.
    unruly.feed(move |base| base.received(conn, usize::MAX));
    unruly.feed(move |base| base.received(conn, usize::MAX));
    unruly.expect([]);
    assert_eq!(unruly.base.conn(conn).unwrap().input_len(), 256);
    assert_eq!(unruly.base.conn(conn).unwrap().consume(usize::MAX), 256);
    unruly.base.conn(conn).unwrap().write(b"four").unwrap();
    unruly.feed(move |base| base.sent(conn, usize::MAX));
    unruly.expect(["0 written"]);
    unruly.end();
}

#[test]
fn a_disabled_listener_keeps_what_is_accepted_all_the_same() {
    let mut unruly = Unruly::new();
    let listener = unruly.listen();
    unruly.base.listener(listener).unwrap().disable();
    for _ in 0..4 {
        unruly.base.accepted(listener, ADDRESS.into()).unwrap();
    }
    assert_eq!(unruly.base.accepted(listener, ADDRESS.into()), Err(AcceptError::Full));
    unruly.expect([]);
    assert_eq!(unruly.base.counts().conns, 4);
    unruly.base.listener(listener).unwrap().enable();
    unruly.expect(["0 accepted", "1 accepted", "2 accepted", "3 accepted"]);
    unruly.end();
}

#[test]
fn a_reset_before_the_accept_callback_is_not_reported() {
    let mut unruly = Unruly::new();
    let listener = unruly.listen();
    unruly.feed(move |base| {
        let conns = [(); 3].map(|()| base.accepted(listener, ADDRESS.into()).unwrap());
        base.failed(conns[1], ConnError::Reset);
        // And late news of the same connection.
        everything(base, conns[1]);
    });
    unruly.expect(["0 accepted", "1 accepted"]);
    assert_eq!(unruly.base.counts().conns, 2);
    unruly.end();
}

#[test]
fn news_that_comes_twice_is_reported_once() {
    let mut unruly = Unruly::new();
    let conn = unruly.connecting();
    let listener = unruly.listen();
    unruly.feed(move |base| (0..2).for_each(|_| base.connected(conn)));
    unruly.feed(move |base| (0..2).for_each(|_| base.finished(conn)));
    unruly.feed(move |base| base.finished(conn));
    unruly.feed(move |base| (0..2).for_each(|_| base.failed(conn, ConnError::Reset)));
    unruly.feed(move |base| base.failed(conn, ConnError::TimedOut));
    unruly.feed(move |base| {
        (0..2).for_each(|_| base.listen_failed(listener, ListenError::InUse));
    });
    unruly.expect(["0 Opened", "0 Eof", "0 Ended(Failed(Reset))", "listen InUse"]);
    unruly.end();
}

#[test]
fn news_after_a_failure_is_ignored() {
    let mut unruly = Unruly::new();
    let conn = unruly.accepted();
    unruly.base.conn(conn).unwrap().write(b"lost").unwrap();
    unruly.feed(move |base| base.failed(conn, ConnError::Reset));
    for _ in 0..2 {
        unruly.feed(move |base| {
            assert!(base.input(conn).is_none() && base.output(conn) == (&[], &[]));
            base.connected(conn);
            base.sent(conn, 4);
            base.finished(conn);
            base.delivered(conn);
        });
    }
    unruly.expect(["0 Ended(Failed(Reset))"]);
    unruly.end();
}

#[test]
fn a_connection_of_which_no_news_comes_times_out() {
    let mut unruly = Unruly::new();
    let timeout = Some(Duration::from_secs(1));
    let (open, connecting) = (unruly.accepted(), unruly.connecting());
    for conn in [open, connecting] {
        unruly.base.conn(conn).unwrap().set_timeouts(timeout, timeout).write(b"out").unwrap();
    }
    unruly.expect(["0 Timeout(Read)", "0 Timeout(Write)", "1 Timeout(Write)"]);
    unruly.end();
}

/// The back end sends nothing, or never reports that the end was delivered, or never reports that the peer
/// has ended its stream.
#[test]
fn a_closed_connection_of_which_no_news_comes_is_ended_at_its_limit() {
    for stage in 0..3 {
        let mut unruly = Unruly::new();
        let conn = unruly.accepted();
        unruly.base.conn(conn).unwrap().write(b"output").unwrap();
        unruly.base.conn(conn).unwrap().close();
        unruly.feed(move |base| {
            if stage > 0 {
                base.sent(conn, 6);
            }
        });
        unruly.feed(move |base| {
            if stage > 1 {
                base.delivered(conn);
            }
        });
        unruly.expect(["0 Ended(Closed)"]);
        let last = *unruly.wire.actions.last().unwrap();
        let is_reset = last == Action::Reset(conn);
        // There is nothing to reset when all was delivered.
        assert!(is_reset || stage > 1 && last == Action::Close(conn), "{last:?}");
        assert_eq!(unruly.base.counts().conns, 0);
        unruly.end();
    }
}

#[test]
fn a_loop_that_hears_nothing_sleeps_and_can_be_ended() {
    let mut unruly = Unruly::new();
    let conn = unruly.accepted();
    assert_eq!(unruly.run(), None, "it waits for the peer");
    assert!(unruly.base.conn(conn).unwrap().is_enabled(Direction::Read));
    unruly.base.exit_after(Duration::from_secs(1));
    assert_eq!(unruly.run(), Some(End::Exit));
    unruly.end();
}

#[test]
fn sources_that_no_event_waits_for_may_be_ready() {
    let mut unruly = Unruly::new();
    let foreign = {
        let capacities = picoevent_mio::Capacities { sources: 2, ..Default::default() };
        let mut storage = picoevent_mio::HeapStorage::<App>::new(capacities).unwrap();
        EventBase::over(storage.memory()).new_source().unwrap()
    };
    unruly.feed(move |base| {
        base.ready(foreign, EventFlags::READ | EventFlags::WRITE | EventFlags::CLOSED)
    });
    unruly.expect([]);
    unruly.end();
}
