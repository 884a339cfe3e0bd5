//! Freeing events. In libevent, a program needs finalizers to free an event's memory.
//!
//! libevent calls a finalizer when the callback of an event cannot be running any more. Then the program can free the
//! event's memory. Here the memory belongs to the base, and callbacks run only in the loop. So a freed event ends at
//! once, and a method that gets its handle returns `StaleError`. The scenarios check both.

use picoevent::{End, EventFlags, EventMut, Mode, Run, StaleError};

use crate::script::app::{add, timer};
use crate::script::{App, begin, storage};

#[test]
fn cb_invoked() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let [idle, active, pending, both] =
        [1, 2, 3, 4].map(|user| timer(&mut base, Mode::OneShot, user, App::record));
    base.event(active).unwrap().activate(EventFlags::TIMEOUT);
    add(&mut base, pending, 10_000);
    add(&mut base, both, 10_000);
    base.event(both).unwrap().activate(EventFlags::TIMEOUT);
    for event in [idle, active, pending, both] {
        base.event(event).unwrap().free();
        // The handle is stale, so the event cannot be added, deleted or activated.
        assert_eq!(base.event(event).map(|_| ()), Err(StaleError));
    }
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
    assert_eq!((app.calls.len(), base.counts()), (0, Default::default()));
}

#[test]
fn within_cb() {
    fn free_all(app: &mut App, event: &mut EventMut<App>) {
        app.record(event);
        for other in app.events.clone() {
            event.event(other).unwrap().free();
        }
    }
    for mode in [Mode::OneShot, Mode::Persist] {
        let mut storage = storage();
        let (mut base, mut script, mut app) = begin(&mut storage);
        app.events = [1, 2].map(|user| timer(&mut base, mode, user, free_all)).to_vec();
        for event in &app.events {
            base.event(*event).unwrap().activate(EventFlags::TIMEOUT);
        }
        assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
        assert_eq!((app.users(), base.counts().events), (vec![1], 0), "{mode:?}");
    }
}
