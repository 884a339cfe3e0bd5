//! Priorities: the order in which events run.

use picoevent::{EventFlags, EventMut, Mode, Priority, Run};

use crate::script::app::{add, timer, waiting};
use crate::script::stream::pair;
use crate::script::{App, begin, ms, storage};

/// Runs two timers without delay, which re-arm themselves three times and then request the exit. Returns the number of
/// calls of each timer.
fn priorities_of(urgent: u8, other: u8) -> [usize; 2] {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let count = |app: &mut App, event: &mut EventMut<App>| {
        let user = event.user();
        if app.calls_of(user) == 3 {
            return event.exit();
        }
        app.record(event);
        event.add(Some(ms(0))).unwrap();
    };
    for (user, level) in [(1, urgent), (2, other)] {
        let event = timer(&mut base, Mode::OneShot, user, count);
        base.event(event).unwrap().set_priority(Priority::new(level).unwrap()).unwrap();
        add(&mut base, event, 0);
    }
    script.run(&mut base, &mut app, Run::DEFAULT);
    [app.calls_of(1), app.calls_of(2)]
}

/// With two priorities, libevent calls the less urgent timer once. The reason is that an exit is an event in libevent.
/// The exit event has the same priority as the less urgent timer, and is queued after this timer, so the timer is
/// called first. Here an exit is a flag, so no event of another priority runs before the loop ends.
#[test]
fn priorities() {
    assert_eq!(priorities_of(0, 0), [3, 3]);
    assert_eq!(priorities_of(0, 1), [3, 0]);
    assert_eq!(priorities_of(0, 2), [3, 0]);
}

#[test]
fn priority_active_inversion() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let call = |app: &mut App, event: &mut EventMut<App>| {
        app.record(event);
        if app.calls.len() == 1 {
            event.event(app.events[1]).unwrap().activate(EventFlags::READ);
            event.event(app.events[2]).unwrap().activate(EventFlags::TIMEOUT);
        }
    };
    for (user, level) in [(0, 4), (1, 4), (2, 0)] {
        let event = timer(&mut base, Mode::OneShot, user, call);
        base.event(event).unwrap().set_priority(Priority::new(level).unwrap()).unwrap();
        app.events.push(event);
    }
    base.event(app.events[0]).unwrap().activate(EventFlags::WRITE);
    script.run(&mut base, &mut app, Run::DEFAULT);
    assert_eq!(app.users(), [0, 2, 1]);
}

/// In libevent's test, two events activate each other for the next pass, so each pass runs one of them. Here both
/// events run in each pass. The event that waits for reading and the event that waits for writing also run in each
/// pass.
#[test]
fn active_later() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let (ours, theirs) = pair();
    let (reads, writes) = (script.watch(&mut base, &ours), script.watch(&mut base, &theirs));
    app.ends = vec![ours, theirs];
    waiting(&mut base, reads, EventFlags::READ, Mode::Persist, 1, |app, event| {
        app.record(event);
        app.ends[0].read(1024).unwrap();
    });
    waiting(&mut base, writes, EventFlags::WRITE, Mode::Persist, 2, |app, event| {
        app.record(event);
        assert_eq!(app.ends[1].write(b"."), 1);
    });
    fn activate_other(app: &mut App, event: &mut EventMut<App>) {
        app.record(event);
        app.world.borrow_mut().pass(std::time::Duration::from_micros(100));
        let other = app.events[usize::from(event.id() == app.events[0])];
        event.event(other).unwrap().activate(EventFlags::READ);
    }
    app.events = (0..2).map(|_| timer(&mut base, Mode::OneShot, 3, activate_other)).collect();
    base.event(app.events[0]).unwrap().activate(EventFlags::READ);
    base.exit_after(ms(100));
    script.run(&mut base, &mut app, Run::DEFAULT);
    let [read, written, activated] = [1, 2, 3].map(|user| app.calls_of(user));
    assert!(written > 100);
    assert_eq!((read, activated), (written - 1, 2 * written));
}
