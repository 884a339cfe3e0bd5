//! Manual activation, passes and priorities.

use picoevent::{EventFlags, Mode, Priority, StillActiveError};

use crate::{Trace, at, base, ms, run_to, timer};

#[test]
fn activation_merges_flags_and_keeps_the_position() {
    let (mut base, mut app) = (base(), Trace::default());
    let (a, b) = (timer(&mut base, Mode::OneShot, 1), timer(&mut base, Mode::OneShot, 2));
    base.event(a).unwrap().activate(EventFlags::READ);
    base.event(b).unwrap().activate(EventFlags::READ);
    base.event(a).unwrap().activate(EventFlags::WRITE);
    assert_eq!(base.event(a).unwrap().pending(), EventFlags::READ | EventFlags::WRITE);
    let calls = run_to(&mut base, &mut app, 0);
    assert_eq!(calls, [(1, EventFlags::READ | EventFlags::WRITE), (2, EventFlags::READ)]);
}

#[test]
fn self_activation_runs_once_a_pass_and_does_not_block_timers() {
    let (mut base, mut app) = (base(), Trace::default());
    let event = timer(&mut base, Mode::OneShot, 1);
    let other = timer(&mut base, Mode::OneShot, 2);
    base.event(event).unwrap().activate(EventFlags::READ);
    base.event(other).unwrap().add(Some(ms(1))).unwrap();
    app.target = Some(event);
    app.react = Some(|cx, event| cx.event(event).unwrap().activate(EventFlags::READ));
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [(1, EventFlags::READ)]);
    base.advance(at(1));
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [(1, EventFlags::READ), (2, EventFlags::TIMEOUT)]);
}

#[test]
fn making_events_in_callbacks_does_not_keep_a_pass_going() {
    let (mut base, mut app) = (base(), Trace::default());
    let event = timer(&mut base, Mode::OneShot, 0);
    base.event(event).unwrap().activate(EventFlags::READ);
    app.react = Some(|cx, event| {
        cx.event(event).unwrap().free();
        let next = cx.new_timer(Mode::OneShot, Trace::record).unwrap();
        cx.event(next).unwrap().activate(EventFlags::READ);
    });
    let mut iterations = 0;
    while let Some(fired) = base.next() {
        fired.call(&mut app, &mut base);
        iterations += 1;
        assert!(iterations <= 8, "each of the eight slots has one call in a pass");
    }
    assert!(base.next().is_some(), "and the work goes on in the next");
}

#[test]
fn priorities_are_strict_and_a_pass_runs_one_level() {
    let (mut base, mut app) = (base(), Trace::default());
    let low = timer(&mut base, Mode::OneShot, 1);
    let high = timer(&mut base, Mode::OneShot, 2);
    base.event(low).unwrap().set_priority(Priority::LOWEST).unwrap();
    base.event(high).unwrap().set_priority(Priority::HIGHEST).unwrap();
    for event in [low, high] {
        base.event(event).unwrap().activate(EventFlags::READ);
    }
    assert_eq!(base.event(low).unwrap().set_priority(Priority::HIGHEST), Err(StillActiveError));
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [(2, EventFlags::READ)]);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [(1, EventFlags::READ)]);
}

#[test]
fn a_more_urgent_event_ends_the_pass() {
    let (mut base, mut app) = (base(), Trace::default());
    let urgent = timer(&mut base, Mode::OneShot, 9);
    base.event(urgent).unwrap().set_priority(Priority::HIGHEST).unwrap();
    for user in [1, 2] {
        let event = timer(&mut base, Mode::OneShot, user);
        base.event(event).unwrap().activate(EventFlags::READ);
    }
    app.target = Some(urgent);
    app.react = Some(|cx, urgent| {
        let mut urgent = cx.event(urgent).unwrap();
        if urgent.user() == 9 {
            urgent.set_user(10).activate(EventFlags::READ);
        }
    });
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [(1, EventFlags::READ)]);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [(10, EventFlags::READ)]);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [(2, EventFlags::READ)]);
}
