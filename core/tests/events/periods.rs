//! Persistent events: their periods and their timeouts.

use std::time::Duration;

use picoevent::{EventFlags, Mode};

use crate::{Trace, at, base, ms, run_to, watch};

#[test]
fn a_persistent_timer_keeps_its_period_and_skips_missed_ones() {
    let (mut base, mut app) = (base(), Trace::default());
    base.every(ms(10), Trace::record).unwrap();
    assert_eq!(run_to(&mut base, &mut app, 12).len(), 1);
    assert_eq!(base.deadline(), Some(at(20)), "the period counts from the deadline, not from now");
    assert_eq!(run_to(&mut base, &mut app, 65).len(), 1, "no burst for what was missed");
    assert_eq!(base.deadline(), Some(at(75)));
}

#[test]
fn an_interval_of_zero_fires_once_a_pass() {
    let (mut base, mut app) = (base(), Trace::default());
    base.every(Duration::ZERO, Trace::record).unwrap();
    for _ in 0..3 {
        base.advance(at(0));
        base.dispatch(&mut app);
        assert_eq!(app.calls().len(), 1);
    }
}

#[test]
fn readiness_restarts_a_persistent_timeout() {
    let (mut base, mut app) = (base(), Trace::default());
    let source = base.new_source().unwrap();
    let event = watch(&mut base, source, EventFlags::READ, Mode::Persist, 1);
    base.event(event).unwrap().add(Some(ms(10))).unwrap();
    base.ready(source, EventFlags::READ);
    assert_eq!(run_to(&mut base, &mut app, 6), [(1, EventFlags::READ)]);
    assert_eq!(base.event(event).unwrap().deadline(), Some(at(16)));
    assert_eq!(base.event(event).unwrap().pending(), EventFlags::READ | EventFlags::TIMEOUT);
}

#[test]
fn a_persistent_event_is_armed_again_before_its_callback() {
    let (mut base, mut app) = (base(), Trace::default());
    base.every(ms(10), Trace::record).unwrap();
    app.react = Some(|cx, event| {
        let mut event = cx.event(event).unwrap();
        assert_eq!(event.pending(), EventFlags::TIMEOUT);
        event.add(Some(ms(3))).unwrap();
    });
    run_to(&mut base, &mut app, 10);
    assert_eq!(base.deadline(), Some(at(13)), "what the callback adds counts");
}
