//! Tests with reports that are unexpected, that come twice, late or never, or that are about freed objects.

use std::time::Duration;

use picoevent::{
    AcceptError, Action, Conn, ConnError, Direction, End, EventBase, EventFlags, ListenError,
    Listener, Signal,
};
use picoevent_conformance::App;

use crate::faulty::{ADDRESS, FaultyBackEnd};

/// Makes each kind of report about a connection.
fn make_all_reports(base: &mut EventBase<'_, App>, conn: Conn) {
    base.connected(conn);
    if let Some((first, _)) = base.input(conn) {
        first[0] = b'x';
    }
    base.received(conn, 1);
    base.sent(conn, 1);
    base.peer_finished(conn);
    base.delivered(conn);
    base.failed(conn, ConnError::Reset);
}

fn make_all_listener_reports(base: &mut EventBase<'_, App>, listener: Listener) {
    assert_eq!(base.accepted(listener, ADDRESS.into()), Err(AcceptError::NoListener));
    base.listen_failed(listener, ListenError::InUse);
}

#[test]
fn reports_about_freed_objects_are_ignored() {
    let mut faulty = FaultyBackEnd::new();
    let accepted = faulty.accepted();
    let listener = faulty.app.listeners[0];
    let connecting = faulty.connecting();
    for conn in [accepted, connecting] {
        faulty.base.conn(conn).unwrap().abort();
    }
    faulty.base.listener(listener).unwrap().free();
    // The base has not yet requested [`Action::Unlisten`] for the freed listener. When this test makes the same reports
    // again, after a run of the loop, the base has requested the action.
    make_all_listener_reports(&mut faulty.base, listener);
    faulty.expect(["0 Ended(Aborted)", "1 Ended(Aborted)"]);
    let before = faulty.base.counts();
    for conn in [accepted, connecting] {
        faulty.will_report(move |base| make_all_reports(base, conn));
    }
    faulty.will_report(move |base| make_all_listener_reports(base, listener));
    faulty.expect([]);
    assert_eq!(faulty.base.counts(), before);
    // A late report about a freed connection does not affect the new connection in its slot.
    let fresh = faulty.connecting();
    let other = if fresh.index() == accepted.index() { accepted } else { connecting };
    assert_eq!(other.index(), fresh.index());
    faulty.will_report(move |base| make_all_reports(base, other));
    faulty.expect([]);
    assert!(faulty.base.conn(fresh).is_ok());
    faulty.end();
}

#[test]
fn a_report_about_an_aborted_connection_comes_before_the_action() {
    let mut faulty = FaultyBackEnd::new();
    let accepted = faulty.accepted();
    faulty.base.conn(accepted).unwrap().write(b"output").unwrap();
    faulty.base.conn(accepted).unwrap().abort();
    make_all_reports(&mut faulty.base, accepted);
    faulty.expect(["0 Ended(Aborted)"]);
    assert_eq!(faulty.base.counts().conns, 0);
    faulty.end();
}

#[test]
fn reports_that_were_not_requested_are_ignored() {
    let mut faulty = FaultyBackEnd::new();
    let conn = faulty.accepted();
    // The connection is open already, has no output, and has not requested an end of its stream. So the base expects
    // none of these reports.
    faulty.will_report(move |base| {
        base.connected(conn);
        base.sent(conn, 1000);
        base.delivered(conn);
        base.received(conn, 0);
    });
    // No event is added for this signal.
    faulty.will_report(|base| base.raised(Signal::INT, 7));
    let source = faulty.base.new_source();
    assert!(source.is_err(), "there is no room for one");
    faulty.expect([]);
    let connecting = faulty.connecting();
    faulty.will_report(move |base| {
        assert!(base.input(connecting).is_none() && base.output(connecting) == (&[], &[]));
        base.peer_finished(connecting);
        base.delivered(connecting);
        base.sent(connecting, 9);
    });
    faulty.expect([]);
    faulty.end();
}

#[test]
fn reported_input_that_does_not_fit_is_cut() {
    let mut faulty = FaultyBackEnd::new();
    faulty.app.enables_reading = false;
    let conn = faulty.accepted();
    // The back end does not call `input` first to get space, and reading is disabled.
    faulty.will_report(move |base| base.received(conn, usize::MAX));
    faulty.will_report(move |base| base.received(conn, usize::MAX));
    faulty.expect([]);
    assert_eq!(faulty.base.conn(conn).unwrap().input_len(), 256);
    assert_eq!(faulty.base.conn(conn).unwrap().consume(usize::MAX), 256);
    faulty.base.conn(conn).unwrap().write(b"four").unwrap();
    faulty.will_report(move |base| base.sent(conn, usize::MAX));
    faulty.expect(["0 written"]);
    faulty.end();
}

#[test]
fn a_disabled_listener_keeps_a_connection_that_the_back_end_accepts() {
    let mut faulty = FaultyBackEnd::new();
    let listener = faulty.listen();
    faulty.base.listener(listener).unwrap().disable();
    for _ in 0..4 {
        faulty.base.accepted(listener, ADDRESS.into()).unwrap();
    }
    assert_eq!(faulty.base.accepted(listener, ADDRESS.into()), Err(AcceptError::Full));
    faulty.expect([]);
    assert_eq!(faulty.base.counts().conns, 4);
    faulty.base.listener(listener).unwrap().enable();
    faulty.expect(["0 accepted", "1 accepted", "2 accepted", "3 accepted"]);
    faulty.end();
}

#[test]
fn a_reset_before_the_accept_callback_is_not_reported() {
    let mut faulty = FaultyBackEnd::new();
    let listener = faulty.listen();
    faulty.will_report(move |base| {
        let conns = [(); 3].map(|()| base.accepted(listener, ADDRESS.into()).unwrap());
        base.failed(conns[1], ConnError::Reset);
        // Reports about the connection after its failure.
        make_all_reports(base, conns[1]);
    });
    faulty.expect(["0 accepted", "1 accepted"]);
    assert_eq!(faulty.base.counts().conns, 2);
    faulty.end();
}

#[test]
fn a_repeated_report_causes_no_second_callback() {
    let mut faulty = FaultyBackEnd::new();
    let conn = faulty.connecting();
    let listener = faulty.listen();
    faulty.will_report(move |base| (0..2).for_each(|_| base.connected(conn)));
    faulty.will_report(move |base| (0..2).for_each(|_| base.peer_finished(conn)));
    faulty.will_report(move |base| base.peer_finished(conn));
    faulty.will_report(move |base| (0..2).for_each(|_| base.failed(conn, ConnError::Reset)));
    faulty.will_report(move |base| base.failed(conn, ConnError::TimedOut));
    faulty.will_report(move |base| {
        (0..2).for_each(|_| base.listen_failed(listener, ListenError::InUse));
    });
    faulty.expect(["0 Opened", "0 Eof", "0 Ended(Failed(Reset))", "listen InUse"]);
    faulty.end();
}

#[test]
fn reports_after_a_failure_are_ignored() {
    let mut faulty = FaultyBackEnd::new();
    let conn = faulty.accepted();
    faulty.base.conn(conn).unwrap().write(b"lost").unwrap();
    faulty.will_report(move |base| base.failed(conn, ConnError::Reset));
    for _ in 0..2 {
        faulty.will_report(move |base| {
            assert!(base.input(conn).is_none() && base.output(conn) == (&[], &[]));
            base.connected(conn);
            base.sent(conn, 4);
            base.peer_finished(conn);
            base.delivered(conn);
        });
    }
    faulty.expect(["0 Ended(Failed(Reset))"]);
    faulty.end();
}

#[test]
fn a_connection_that_is_never_reported_times_out() {
    let mut faulty = FaultyBackEnd::new();
    let timeout = Some(Duration::from_secs(1));
    let (open, connecting) = (faulty.accepted(), faulty.connecting());
    for conn in [open, connecting] {
        faulty.base.conn(conn).unwrap().set_timeouts(timeout, timeout).write(b"out").unwrap();
    }
    faulty.expect(["0 Timeout(Read)", "0 Timeout(Write)", "1 Timeout(Write)"]);
    faulty.end();
}

/// There are three cases. In the first case, the back end sends nothing. In the second case, the back end sends the
/// output, but never reports that the end of stream was delivered. In the third case, the back end never reports that
/// the peer has ended its stream.
#[test]
fn a_closed_connection_that_is_never_reported_is_ended_at_its_limit() {
    for harness in 0..3 {
        let mut faulty = FaultyBackEnd::new();
        let conn = faulty.accepted();
        faulty.base.conn(conn).unwrap().write(b"output").unwrap();
        faulty.base.conn(conn).unwrap().close();
        faulty.will_report(move |base| {
            if harness > 0 {
                base.sent(conn, 6);
            }
        });
        faulty.will_report(move |base| {
            if harness > 1 {
                base.delivered(conn);
            }
        });
        faulty.expect(["0 Ended(Closed)"]);
        let last = *faulty.wire.actions.last().unwrap();
        let is_reset = last == Action::Reset(conn);
        // If the output and the end of stream were delivered, the last action may be a close instead of a reset.
        assert!(is_reset || harness > 1 && last == Action::Close(conn), "{last:?}");
        assert_eq!(faulty.base.counts().conns, 0);
        faulty.end();
    }
}

#[test]
fn a_loop_without_reports_sleeps_and_can_be_ended() {
    let mut faulty = FaultyBackEnd::new();
    let conn = faulty.accepted();
    assert_eq!(faulty.run(), None, "it waits for the peer");
    assert!(faulty.base.conn(conn).unwrap().is_enabled(Direction::Read));
    faulty.base.exit_after(Duration::from_secs(1));
    assert_eq!(faulty.run(), Some(End::Exit));
    faulty.end();
}

#[test]
fn sources_that_no_event_waits_for_may_be_ready() {
    let mut faulty = FaultyBackEnd::new();
    let foreign = {
        let capacities = picoevent_mio::Capacities { sources: 2, ..Default::default() };
        let mut storage = picoevent_mio::HeapStorage::<App>::new(capacities).unwrap();
        EventBase::over(storage.memory()).new_source().unwrap()
    };
    faulty.will_report(move |base| {
        base.ready(foreign, EventFlags::READ | EventFlags::WRITE | EventFlags::CLOSED)
    });
    faulty.expect([]);
    faulty.end();
}
