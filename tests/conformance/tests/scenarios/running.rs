//! Scenarios that run the loop again after it has ended, in every mode. Open connections stay open between two runs.

use std::time::{Duration, Instant};

use picoevent::{ConnEvent, End, Run};
use picoevent_conformance::{App, Ending, Harness, PeerConn, Sizes};

const SHORT: Duration = Duration::from_millis(10);

/// The real time after which a test no longer waits for new events.
const HANGS: Duration = Duration::from_secs(60);

/// Makes a harness with one connection, whose client has sent something.
fn with_input<S: Harness>() -> (S, PeerConn) {
    let mut harness = S::new(Sizes::default());
    let peer = harness.accepted_peer();
    harness.send(peer, b"input");
    (harness, peer)
}

fn a_loop_that_has_nothing_to_wait_for_ends_in_each_run<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    for mode in [Run::DEFAULT, Run::ONCE, Run::NONBLOCK, Run::DEFAULT] {
        assert_eq!(harness.run(mode), End::Empty);
    }
    App::after(harness.base(), SHORT);
    assert_eq!(harness.run(Run::DEFAULT), End::Empty);
    assert_eq!(core::mem::take(&mut harness.app().log), ["timer"]);
    harness.accepted_peer();
    harness.end();
}

fn a_loop_that_must_not_end_when_it_is_empty_waits<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    harness.base().exit_after(SHORT);
    let since = harness.base().now();
    assert_eq!(harness.run(Run::NO_EXIT_ON_EMPTY), End::Exit);
    assert!(harness.base().now().since(since) >= SHORT);
    App::after(harness.base(), SHORT);
    harness.base().exit_after(SHORT * 2);
    assert_eq!(harness.run(Run::NO_EXIT_ON_EMPTY), End::Exit);
    assert_eq!(core::mem::take(&mut harness.app().log), ["timer"]);
    assert_eq!(harness.run(Run::NO_EXIT_ON_EMPTY | Run::NONBLOCK), End::Done);
    harness.end();
}

fn a_loop_that_was_ended_by_a_callback_goes_on_in_the_next_run<S: Harness>() {
    for end in [End::Exit, End::Break] {
        let (mut harness, peer) = with_input::<S>();
        harness.react(move |_, conn, event| match (event, end) {
            (ConnEvent::Readable, End::Exit) => conn.cx().exit(),
            (ConnEvent::Readable, _) => conn.cx().loop_break(),
            _ => {}
        });
        for _ in 0..3 {
            assert_eq!(harness.run(Run::DEFAULT), end);
            assert_eq!(core::mem::take(&mut harness.app().log), ["0 read input"]);
            harness.send(peer, b"input");
        }
        harness.react(|_, _, _| {});
        harness.expect(["0 read input"]);
        harness.end();
    }
}

fn a_loop_that_runs_once_ends_after_each_callback<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let (_, address) = harness.listen();
    let peer = harness.connect_peer(address);
    let expect_once = |harness: &mut S, callback: &str| {
        assert_eq!(harness.run(Run::ONCE), End::Done);
        assert_eq!(core::mem::take(&mut harness.app().log), [callback]);
    };
    expect_once(&mut harness, "0 accepted");
    harness.send(peer, b"one");
    expect_once(&mut harness, "0 read one");
    harness.conn(0).write(b"two").unwrap();
    expect_once(&mut harness, "0 written");
    App::after(harness.base(), SHORT);
    expect_once(&mut harness, "timer");
    harness.finish(peer);
    expect_once(&mut harness, "0 Eof");
    harness.expect_received(peer, "two", None);
    harness.end();
}

fn a_loop_that_does_not_wait_ends_when_there_are_no_new_events<S: Harness>() {
    let mut harness = S::new(Sizes::default());
    let (_, address) = harness.listen();
    App::after(harness.base(), Duration::from_secs(3600));
    for _ in 0..3 {
        assert_eq!(harness.run(Run::NONBLOCK), End::Done);
    }
    let peer = harness.connect_peer(address);
    // The system may report an event some time after its cause.
    let expect = |harness: &mut S, callback: &str| {
        let began = Instant::now();
        while harness.app().log.is_empty() && began.elapsed() < HANGS {
            assert_eq!(harness.run(Run::NONBLOCK), End::Done);
        }
        assert_eq!(core::mem::take(&mut harness.app().log), [callback]);
    };
    expect(&mut harness, "0 accepted");
    harness.send(peer, b"one");
    expect(&mut harness, "0 read one");
    harness.conn(0).write(b"two").unwrap();
    expect(&mut harness, "0 written");
    harness.expect_received(peer, "two", None);
    let event = harness.base().events().next().unwrap().event;
    harness.base().event(event).unwrap().free();
    harness.end();
}

fn a_connection_that_is_closed_between_two_runs_ends_in_the_next<S: Harness>() {
    let (mut harness, peer) = with_input::<S>();
    harness.expect(["0 read input"]);
    harness.conn(0).write(b"between").unwrap();
    harness.conn(0).close();
    harness.expect(["0 Ended(Closed)"]);
    harness.expect_received(peer, "between", Some(Ending::End));
    harness.finish(peer);
    let (base, app) = harness.parts();
    base.listener(app.listeners[0]).unwrap().free();
    assert_eq!(harness.run(Run::DEFAULT), End::Empty);
    // The base can still accept new clients.
    let (_, address) = harness.listen();
    let peer = harness.connect_peer(address);
    harness.expect(["1 accepted"]);
    harness.send(peer, b"more");
    harness.expect(["1 read more"]);
    harness.end();
}

fn timers_run_in_the_order_of_their_deadlines_after_the_callbacks_for_reports<S: Harness>() {
    let (mut harness, _) = with_input::<S>();
    // The callback for the input makes a timer without a delay. So the callback of this timer is the next callback.
    harness.react(|_, conn, event| {
        if event == ConnEvent::Readable {
            App::after(conn.cx(), Duration::ZERO);
        }
    });
    harness.expect(["0 read input", "timer"]);
    App::after(harness.base(), SHORT * 2);
    App::after(harness.base(), SHORT);
    harness.expect(["timer", "timer"]);
    harness.end();
}

fn a_base_whose_connections_were_all_closed_delivers_and_can_be_used_again<S: Harness>() {
    let (mut harness, peer) = with_input::<S>();
    harness.expect(["0 read input"]);
    harness.conn(0).write(b"the last").unwrap();
    harness.close_all();
    harness.expect_received(peer, "the last", Some(Ending::End));
    assert_eq!((harness.base().conns().count(), harness.base().listeners().count()), (0, 0));
    harness.finish(peer);
    // No callback runs in `close_all`, so the end is reported in the next run.
    harness.expect(["0 Ended(Closed)"]);
    assert_eq!(harness.base().counts().conns, 0);
    let (_, address) = harness.listen();
    let peer = harness.connect_peer(address);
    harness.expect(["1 accepted"]);
    harness.send(peer, b"more");
    harness.expect(["1 read more"]);
    harness.end();
}

on_every_back_end! {
    a_base_whose_connections_were_all_closed_delivers_and_can_be_used_again,
    a_loop_that_has_nothing_to_wait_for_ends_in_each_run,
    a_loop_that_must_not_end_when_it_is_empty_waits,
    a_loop_that_was_ended_by_a_callback_goes_on_in_the_next_run,
    a_loop_that_runs_once_ends_after_each_callback,
    a_loop_that_does_not_wait_ends_when_there_are_no_new_events,
    a_connection_that_is_closed_between_two_runs_ends_in_the_next,
    timers_run_in_the_order_of_their_deadlines_after_the_callbacks_for_reports,
}
