//! Ending events: what libevent's finalizers are for.
//!
//! A finalizer tells that a callback cannot be running any more, so that its memory may go. Here
//! memory belongs to the base, no callback runs beside the loop, and an event that is freed is gone
//! at once: its handle answers `StaleError`, which is what these scenarios look for.

use picoevent::{End, EventFlags, EventMut, Mode, Run, StaleError};

use crate::script::app::{add, timer};
use crate::script::{App, begin, room};

#[test]
fn cb_invoked() {
    let mut room = room();
    let (mut base, mut script, mut app) = begin(&mut room);
    let [idle, active, pending, both] =
        [1, 2, 3, 4].map(|user| timer(&mut base, Mode::OneShot, user, App::note));
    base.event(active).unwrap().activate(EventFlags::TIMEOUT);
    add(&mut base, pending, 10_000);
    add(&mut base, both, 10_000);
    base.event(both).unwrap().activate(EventFlags::TIMEOUT);
    for event in [idle, active, pending, both] {
        base.event(event).unwrap().free();
        // The handle is stale, so no verb can be called: neither add, nor delete, nor activate.
        assert_eq!(base.event(event).map(|_| ()), Err(StaleError));
    }
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
    assert_eq!((app.calls.len(), base.counts()), (0, Default::default()));
}

#[test]
fn within_cb() {
    fn free_all(app: &mut App, event: &mut EventMut<App>) {
        app.note(event);
        for other in app.events.clone() {
            event.event(other).unwrap().free();
        }
    }
    for mode in [Mode::OneShot, Mode::Persist] {
        let mut room = room();
        let (mut base, mut script, mut app) = begin(&mut room);
        app.events = [1, 2].map(|user| timer(&mut base, mode, user, free_all)).to_vec();
        for event in &app.events {
            base.event(*event).unwrap().activate(EventFlags::TIMEOUT);
        }
        assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
        assert_eq!((app.users(), base.counts().events), (vec![1], 0), "{mode:?}");
    }
}
