//! The loop runs again after it has ended, in every mode; what is open stays open.

use std::time::{Duration, Instant};

use picoevent::{ConnEvent, End, Run};
use picoevent_conformance::{App, Call, Ending, Sizes, Stage};

const SHORT: Duration = Duration::from_millis(10);

/// The real time after which a test no longer waits for news.
const HANGS: Duration = Duration::from_secs(60);

/// Makes a stage with one connection, whose client has sent something.
fn with_input<S: Stage>() -> (S, Call) {
    let mut stage = S::new(Sizes::default());
    let call = stage.accepted_call();
    stage.send(call, b"input");
    (stage, call)
}

fn a_loop_without_anything_to_wait_for_ends_each_time<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    for mode in [Run::DEFAULT, Run::ONCE, Run::NONBLOCK, Run::DEFAULT] {
        assert_eq!(stage.run(mode), End::Empty);
    }
    App::after(stage.base(), SHORT);
    assert_eq!(stage.run(Run::DEFAULT), End::Empty);
    assert_eq!(core::mem::take(&mut stage.app().log), ["timer"]);
    stage.accepted_call();
    stage.end();
}

fn a_loop_that_must_not_end_when_it_is_empty_waits<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    stage.base().exit_after(SHORT);
    let since = stage.base().now();
    assert_eq!(stage.run(Run::NO_EXIT_ON_EMPTY), End::Exit);
    assert!(stage.base().now().since(since) >= SHORT);
    App::after(stage.base(), SHORT);
    stage.base().exit_after(SHORT * 2);
    assert_eq!(stage.run(Run::NO_EXIT_ON_EMPTY), End::Exit);
    assert_eq!(core::mem::take(&mut stage.app().log), ["timer"]);
    assert_eq!(stage.run(Run::NO_EXIT_ON_EMPTY | Run::NONBLOCK), End::Done);
    stage.end();
}

fn a_loop_that_was_ended_by_a_callback_goes_on_in_the_next_run<S: Stage>() {
    for end in [End::Exit, End::Break] {
        let (mut stage, call) = with_input::<S>();
        stage.react(move |_, conn, event| match (event, end) {
            (ConnEvent::Readable, End::Exit) => conn.cx().exit(),
            (ConnEvent::Readable, _) => conn.cx().loop_break(),
            _ => {}
        });
        for _ in 0..3 {
            assert_eq!(stage.run(Run::DEFAULT), end);
            assert_eq!(core::mem::take(&mut stage.app().log), ["0 read input"]);
            stage.send(call, b"input");
        }
        stage.react(|_, _, _| {});
        stage.expect(["0 read input"]);
        stage.end();
    }
}

fn a_loop_that_runs_once_ends_after_each_callback<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let (_, address) = stage.listen();
    let call = stage.call(address);
    let expect_once = |stage: &mut S, callback: &str| {
        assert_eq!(stage.run(Run::ONCE), End::Done);
        assert_eq!(core::mem::take(&mut stage.app().log), [callback]);
    };
    expect_once(&mut stage, "0 accepted");
    stage.send(call, b"one");
    expect_once(&mut stage, "0 read one");
    stage.conn(0).write(b"two").unwrap();
    expect_once(&mut stage, "0 written");
    App::after(stage.base(), SHORT);
    expect_once(&mut stage, "timer");
    stage.finish(call);
    expect_once(&mut stage, "0 Eof");
    stage.expect_heard(call, "two", None);
    stage.end();
}

fn a_loop_that_does_not_wait_ends_when_there_is_no_news<S: Stage>() {
    let mut stage = S::new(Sizes::default());
    let (_, address) = stage.listen();
    App::after(stage.base(), Duration::from_secs(3600));
    for _ in 0..3 {
        assert_eq!(stage.run(Run::NONBLOCK), End::Done);
    }
    let call = stage.call(address);
    // News of the system may take a moment.
    let expect = |stage: &mut S, callback: &str| {
        let began = Instant::now();
        while stage.app().log.is_empty() && began.elapsed() < HANGS {
            assert_eq!(stage.run(Run::NONBLOCK), End::Done);
        }
        assert_eq!(core::mem::take(&mut stage.app().log), [callback]);
    };
    expect(&mut stage, "0 accepted");
    stage.send(call, b"one");
    expect(&mut stage, "0 read one");
    stage.conn(0).write(b"two").unwrap();
    expect(&mut stage, "0 written");
    stage.expect_heard(call, "two", None);
    let event = stage.base().events().next().unwrap().event;
    stage.base().event(event).unwrap().free();
    stage.end();
}

fn a_connection_that_is_closed_between_two_runs_ends_in_the_next<S: Stage>() {
    let (mut stage, call) = with_input::<S>();
    stage.expect(["0 read input"]);
    stage.conn(0).write(b"between").unwrap();
    stage.conn(0).close();
    stage.expect(["0 Ended(Closed)"]);
    stage.expect_heard(call, "between", Some(Ending::End));
    stage.finish(call);
    let (base, app) = stage.parts();
    base.listener(app.listeners[0]).unwrap().free();
    assert_eq!(stage.run(Run::DEFAULT), End::Empty);
    // And the loop can serve once more.
    let (_, address) = stage.listen();
    let call = stage.call(address);
    stage.expect(["1 accepted"]);
    stage.send(call, b"more");
    stage.expect(["1 read more"]);
    stage.end();
}

fn timers_come_in_the_order_of_their_deadlines_after_the_news<S: Stage>() {
    let (mut stage, _) = with_input::<S>();
    // The timer is made in the callback of the input. It has no delay, so it fires next.
    stage.react(|_, conn, event| {
        if event == ConnEvent::Readable {
            App::after(conn.cx(), Duration::ZERO);
        }
    });
    stage.expect(["0 read input", "timer"]);
    App::after(stage.base(), SHORT * 2);
    App::after(stage.base(), SHORT);
    stage.expect(["timer", "timer"]);
    stage.end();
}

fn a_base_whose_connections_were_all_closed_delivers_and_can_be_used_again<S: Stage>() {
    let (mut stage, call) = with_input::<S>();
    stage.expect(["0 read input"]);
    stage.conn(0).write(b"the last").unwrap();
    stage.close_all();
    stage.expect_heard(call, "the last", Some(Ending::End));
    assert_eq!((stage.base().conns().count(), stage.base().listeners().count()), (0, 0));
    stage.finish(call);
    // No callback has run meanwhile, so the end is reported in the next run.
    stage.expect(["0 Ended(Closed)"]);
    assert_eq!(stage.base().counts().conns, 0);
    let (_, address) = stage.listen();
    let call = stage.call(address);
    stage.expect(["1 accepted"]);
    stage.send(call, b"more");
    stage.expect(["1 read more"]);
    stage.end();
}

on_every_stage! {
    a_base_whose_connections_were_all_closed_delivers_and_can_be_used_again,
    a_loop_without_anything_to_wait_for_ends_each_time,
    a_loop_that_must_not_end_when_it_is_empty_waits,
    a_loop_that_was_ended_by_a_callback_goes_on_in_the_next_run,
    a_loop_that_runs_once_ends_after_each_callback,
    a_loop_that_does_not_wait_ends_when_there_is_no_news,
    a_connection_that_is_closed_between_two_runs_ends_in_the_next,
    timers_come_in_the_order_of_their_deadlines_after_the_news,
}
