//! When events fire, in which order, and with which flags.

use picoevent::{EventFlags, Instant, Mode, Priority};

use crate::{Trace, at, base, ms, run_to, timer, watch};

#[test]
fn a_timer_fires_once_and_not_early() {
    let (mut base, mut app) = (base(), Trace::default());
    let event = timer(&mut base, Mode::OneShot, 1);
    base.event(event).unwrap().add(Some(ms(5))).unwrap();
    assert_eq!(base.deadline(), Some(at(5)));
    base.advance(Instant::from_micros(4_999));
    assert!(base.next().is_none());
    assert_eq!(run_to(&mut base, &mut app, 5), [(1, EventFlags::TIMEOUT)]);
    assert_eq!(base.event(event).unwrap().pending(), EventFlags::NONE);
    assert_eq!(run_to(&mut base, &mut app, 500), []);
}

#[test]
fn timers_with_equal_deadlines_fire_in_the_order_they_were_armed() {
    let (mut base, mut app) = (base(), Trace::default());
    for user in 0..8 {
        let event = timer(&mut base, Mode::OneShot, user);
        base.event(event).unwrap().add(Some(ms(1))).unwrap();
    }
    let order: Vec<u32> = run_to(&mut base, &mut app, 1).iter().map(|call| call.0).collect();
    assert_eq!(order, [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn events_on_one_source_fire_in_the_order_they_were_added() {
    let (mut base, mut app) = (base(), Trace::default());
    let source = base.new_source().unwrap();
    for user in 1..=3 {
        watch(&mut base, source, EventFlags::READ, Mode::Persist, user);
    }
    base.ready(source, EventFlags::READ);
    let order: Vec<u32> = run_to(&mut base, &mut app, 0).iter().map(|call| call.0).collect();
    assert_eq!(order, [1, 2, 3]);
}

#[test]
fn readiness_reaches_only_events_that_wait_for_it() {
    let (mut base, mut app) = (base(), Trace::default());
    let (source, other) = (base.new_source().unwrap(), base.new_source().unwrap());
    watch(&mut base, source, EventFlags::READ, Mode::Persist, 1);
    watch(&mut base, source, EventFlags::WRITE | EventFlags::CLOSED, Mode::Persist, 2);
    watch(&mut base, other, EventFlags::READ, Mode::Persist, 3);
    base.ready(source, EventFlags::READ | EventFlags::CLOSED);
    assert_eq!(run_to(&mut base, &mut app, 0), [(1, EventFlags::READ), (2, EventFlags::CLOSED)]);
}

#[test]
fn ready_and_timed_out_in_one_pass_is_one_callback() {
    let (mut base, mut app) = (base(), Trace::default());
    let source = base.new_source().unwrap();
    let event = watch(&mut base, source, EventFlags::READ, Mode::OneShot, 1);
    base.event(event).unwrap().add(Some(ms(3))).unwrap();
    base.ready(source, EventFlags::READ);
    assert_eq!(run_to(&mut base, &mut app, 3), [(1, EventFlags::READ | EventFlags::TIMEOUT)]);
}

#[test]
fn input_runs_before_timers_of_the_same_pass() {
    let (mut base, mut app) = (base(), Trace::default());
    let early = timer(&mut base, Mode::OneShot, 1);
    base.event(early).unwrap().add(Some(ms(1))).unwrap();
    let source = base.new_source().unwrap();
    watch(&mut base, source, EventFlags::READ, Mode::OneShot, 2);
    base.ready(source, EventFlags::READ);
    assert_eq!(run_to(&mut base, &mut app, 1), [(2, EventFlags::READ), (1, EventFlags::TIMEOUT)]);
}

#[test]
fn a_one_shot_is_not_pending_in_its_callback() {
    let (mut base, mut app) = (base(), Trace::default());
    let source = base.new_source().unwrap();
    let event = watch(&mut base, source, EventFlags::READ, Mode::OneShot, 1);
    base.event(event).unwrap().add(Some(ms(50))).unwrap();
    app.react = Some(|cx, event| assert_eq!(cx.event(event).unwrap().pending(), EventFlags::NONE));
    base.ready(source, EventFlags::READ);
    assert_eq!(run_to(&mut base, &mut app, 0).len(), 1);
    assert_eq!(base.deadline(), None, "readiness cancels the timeout");
    base.ready(source, EventFlags::READ);
    assert_eq!(run_to(&mut base, &mut app, 60), [], "and one shot is one shot");
}

#[test]
fn a_one_shot_that_timed_out_does_not_wait_for_its_source_any_more() {
    let (mut base, mut app) = (base(), Trace::default());
    let source = base.new_source().unwrap();
    let event = watch(&mut base, source, EventFlags::READ, Mode::OneShot, 1);
    base.event(event).unwrap().add(Some(ms(5))).unwrap();
    // A more urgent timer has the same deadline as the event and is called first. So when the source becomes ready, the
    // event is due because of its timeout, but has not been called.
    let urgent = timer(&mut base, Mode::OneShot, 2);
    base.event(urgent).unwrap().set_priority(Priority::HIGHEST).unwrap();
    base.event(urgent).unwrap().add(Some(ms(5))).unwrap();
    base.advance(at(5));
    base.dispatch(&mut app);
    base.ready(source, EventFlags::READ);
    let calls = [(2, EventFlags::TIMEOUT), (1, EventFlags::TIMEOUT)];
    assert_eq!(run_to(&mut base, &mut app, 5), calls);
}
