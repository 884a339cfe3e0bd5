//! Adding and deleting events: deadlines, intervals and interest.

use picoevent::{EventFlags, Mode};

use crate::{Trace, at, base, ms, run_to, timer, watch};

#[test]
fn add_without_a_timeout_keeps_the_deadline_and_restores_no_interval() {
    let (mut base, mut app) = (base(), Trace::default());
    let source = base.new_source().unwrap();
    let event = watch(&mut base, source, EventFlags::READ, Mode::Persist, 1);
    base.event(event).unwrap().add(Some(ms(20))).unwrap();
    base.event(event).unwrap().add(None).unwrap();
    assert_eq!(base.event(event).unwrap().deadline(), Some(at(20)));
    base.event(event).unwrap().del();
    base.event(event).unwrap().add(None).unwrap();
    base.ready(source, EventFlags::READ);
    assert_eq!(run_to(&mut base, &mut app, 1), [(1, EventFlags::READ)]);
    assert_eq!(base.event(event).unwrap().deadline(), None, "the interval went with the delete");
}

#[test]
fn removing_the_timeout_keeps_the_interest() {
    let (mut base, mut app) = (base(), Trace::default());
    let source = base.new_source().unwrap();
    let event = watch(&mut base, source, EventFlags::READ, Mode::Persist, 1);
    base.event(event).unwrap().add(Some(ms(20))).unwrap();
    base.event(event).unwrap().remove_timeout();
    assert_eq!(run_to(&mut base, &mut app, 30), []);
    base.ready(source, EventFlags::READ);
    assert_eq!(run_to(&mut base, &mut app, 30), [(1, EventFlags::READ)]);
    assert_eq!(base.deadline(), None);
}

#[test]
fn adding_an_active_event_does_not_lose_its_interest() {
    let (mut base, mut app) = (base(), Trace::default());
    let source = base.new_source().unwrap();
    let event = base.new_event(source, EventFlags::READ, Mode::Persist, Trace::record).unwrap();
    base.event(event).unwrap().activate(EventFlags::READ);
    base.event(event).unwrap().add(None).unwrap();
    run_to(&mut base, &mut app, 0);
    base.ready(source, EventFlags::READ);
    assert_eq!(run_to(&mut base, &mut app, 0).len(), 1);
}

#[test]
fn a_new_timeout_cancels_an_expiry_that_is_due() {
    let (mut base, mut app) = (base(), Trace::default());
    for user in 1..=2 {
        let event = timer(&mut base, Mode::OneShot, user);
        base.event(event).unwrap().add(Some(ms(5))).unwrap();
        app.target = Some(event);
    }
    app.react = Some(|cx, last| {
        let mut last = cx.event(last).unwrap();
        if last.pending() == EventFlags::TIMEOUT {
            last.add(Some(ms(5))).unwrap();
        }
    });
    assert_eq!(run_to(&mut base, &mut app, 5), [(1, EventFlags::TIMEOUT)]);
    assert_eq!(run_to(&mut base, &mut app, 10), [(2, EventFlags::TIMEOUT)]);
}

#[test]
fn delete_cancels_a_due_callback() {
    let (mut base, mut app) = (base(), Trace::default());
    let (a, b) = (timer(&mut base, Mode::OneShot, 1), timer(&mut base, Mode::OneShot, 2));
    base.event(a).unwrap().activate(EventFlags::READ);
    base.event(b).unwrap().activate(EventFlags::READ);
    app.target = Some(b);
    app.react = Some(|cx, other| cx.event(other).unwrap().del());
    assert_eq!(run_to(&mut base, &mut app, 0), [(1, EventFlags::READ)]);
}
