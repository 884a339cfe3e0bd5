//! Inspecting a base: the numbers of pending and active events, and their peaks.

use picoevent::{EventFlags, Mode, Run};

use crate::script::app::{add, pending, timer};
use crate::script::{App, begin, storage};

#[test]
fn manipulate_active_events() {
    let mut storage = storage();
    let (mut base, _, _) = begin(&mut storage);
    let event = timer(&mut base, Mode::OneShot, 1, App::record);
    base.event(event).unwrap().activate(EventFlags::READ);
    assert_eq!(pending(&mut base, event), EventFlags::READ);
    base.event(event).unwrap().activate(EventFlags::WRITE);
    assert_eq!(pending(&mut base, event), EventFlags::READ | EventFlags::WRITE);
}

/// An active event is included in two numbers, in libevent (ACTIVE and ADDED) and here (`active` and `added`). Before
/// the event is active, ADDED is two in libevent's test. Here the event has only a timeout, so `added` is one.
/// libevent's count VIRTUAL, which keeps a loop running, has no counterpart.
#[test]
fn event_base_get_num_events() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let event = timer(&mut base, Mode::OneShot, 1, App::record);
    add(&mut base, event, 100);
    assert_eq!((base.counts().active, base.counts().added), (0, 1));
    base.event(event).unwrap().activate(EventFlags::READ);
    assert_eq!((base.counts().active, base.counts().added), (1, 2));
    script.run(&mut base, &mut app, Run::DEFAULT);
    assert_eq!((base.counts().active, base.counts().added), (0, 0));
    assert_eq!(base.counts().events, 1, "its slot is still taken");
}

/// When peaks are taken, they restart at the current counts. libevent's peaks restart at zero, and are too low until an
/// event is added.
#[cfg(feature = "peaks")]
#[test]
fn event_base_get_max_events() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let event = timer(&mut base, Mode::OneShot, 1, App::record);
    let other = timer(&mut base, Mode::OneShot, 2, App::record);
    add(&mut base, event, 100);
    add(&mut base, other, 100);
    base.event(other).unwrap().del();
    assert_eq!((base.peaks().active, base.peaks().added), (0, 2));
    base.event(event).unwrap().activate(EventFlags::READ);
    assert_eq!((base.peaks().active, base.peaks().added), (1, 2));
    script.run(&mut base, &mut app, Run::DEFAULT);
    let peaks = base.take_peaks();
    assert_eq!((peaks.active, peaks.added, peaks.events), (1, 2, 2));
    assert_eq!((base.peaks().active, base.peaks().added, base.peaks().events), (0, 0, 2));
}

/// libevent calls a function for each event. Here an iterator returns the events. To stop early, stop iterating.
/// libevent's check for a null function has no counterpart.
#[test]
fn event_foreach() {
    let mut storage = storage();
    let (mut base, _, _) = begin(&mut storage);
    let events: Vec<_> =
        (0..5).map(|user| timer(&mut base, Mode::OneShot, user, App::record)).collect();
    add(&mut base, events[0], 10_000);
    add(&mut base, events[1], 10_000);
    base.event(events[1]).unwrap().activate(EventFlags::TIMEOUT);
    base.event(events[2]).unwrap().activate(EventFlags::TIMEOUT);
    add(&mut base, events[3], 10_000);
    let visited: Vec<_> = base.events().map(|info| info.event).collect();
    assert_eq!(visited, events[..4], "each once, and not the one that is neither");
    let found = base.events().find(|info| info.user == 2);
    assert_eq!(found.map(|info| info.event), Some(events[2]));
}
