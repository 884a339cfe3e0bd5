//! Ending events: what libevent's finalizers are for.
//!
//! A finalizer tells that a callback cannot be running any more, so that its memory may go. Here
//! memory belongs to the base, no callback runs beside the loop, and an event that is freed is gone
//! at once: its handle answers `Stale`, which is what these scenarios look for.

use picoevent::{Cx, End, Event, Mode, Run, Stale, What};

use crate::script::app::{add, timer};
use crate::script::{App, begin, room};

#[test]
fn cb_invoked() {
    let mut room = room();
    let (mut base, mut script, mut app) = begin(&mut room);
    let [idle, active, pending, both] =
        [1, 2, 3, 4].map(|user| timer(&mut base, Mode::OneShot, user, App::note));
    base.event(active).unwrap().activate(What::TIMEOUT);
    add(&mut base, pending, 10_000);
    add(&mut base, both, 10_000);
    base.event(both).unwrap().activate(What::TIMEOUT);
    for event in [idle, active, pending, both] {
        base.event(event).unwrap().free();
        // No verb can be reached any more: neither add, nor delete, nor activate.
        assert_eq!(base.event(event).map(|_| ()), Err(Stale));
    }
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
    assert_eq!((app.calls.len(), base.counts()), (0, Default::default()));
}

#[test]
fn within_cb() {
    fn free_all(app: &mut App, cx: &mut Cx<'_, App>, event: Event, what: What) {
        app.note(cx, event, what);
        for event in app.events.clone() {
            cx.event(event).unwrap().free();
        }
    }
    for mode in [Mode::OneShot, Mode::Persist] {
        let mut room = room();
        let (mut base, mut script, mut app) = begin(&mut room);
        app.events = [1, 2].map(|user| timer(&mut base, mode, user, free_all)).to_vec();
        for event in &app.events {
            base.event(*event).unwrap().activate(What::TIMEOUT);
        }
        assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
        assert_eq!((app.users(), base.counts().events), (vec![1], 0), "{mode:?}");
    }
}
