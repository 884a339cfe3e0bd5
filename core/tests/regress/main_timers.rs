//! Timers that fire in time, persistent timers, removed timeouts, and timers with a common period.

use picoevent::{End, EventFlags, EventMut, Mode, Run};

use crate::script::app::{add, timer, waiting};
use crate::script::stream::pair;
use crate::script::{App, at, begin, ms, storage};

#[test]
fn simpletimeout() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let event = timer(&mut base, Mode::OneShot, 1, App::record);
    add(&mut base, event, 200);
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
    assert_eq!((app.millis(), app.whats()), (vec![200], vec![EventFlags::TIMEOUT]));
}

#[test]
fn persistent_timeout() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let event = timer(&mut base, Mode::Persist, 1, |app, event| {
        app.record(event);
        if app.calls.len() == 6 {
            event.del();
        }
    });
    add(&mut base, event, 10);
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
    assert_eq!(app.millis(), [10, 20, 30, 40, 50, 60]);
}

#[test]
fn persistent_timeout_jump() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let event = timer(&mut base, Mode::Persist, 1, App::record);
    add(&mut base, event, 100);
    let stall = timer(&mut base, Mode::OneShot, 2, |app, _| {
        app.world.borrow_mut().pass(ms(300));
    });
    add(&mut base, stall, 50);
    let exit = timer(&mut base, Mode::OneShot, 3, |_, event| event.loop_break());
    add(&mut base, exit, 400);
    script.run(&mut base, &mut app, Run::DEFAULT);
    assert_eq!(app.millis(), [350], "once for the periods that passed meanwhile");
}

#[test]
fn persistent_active_timeout() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let event = timer(&mut base, Mode::Persist, 1, App::record);
    add(&mut base, event, 200);
    app.events = vec![event];
    base.after(ms(100), |app, event| {
        event.event(app.events[0]).unwrap().activate(EventFlags::READ);
    })
    .unwrap();
    base.exit_after(ms(600));
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Exit);
    assert_eq!(app.whats(), [EventFlags::READ, EventFlags::TIMEOUT, EventFlags::TIMEOUT]);
    assert_eq!(app.millis(), [100, 300, 500]);
}

#[test]
fn event_remove_timeout() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let (ours, _theirs) = pair();
    let source = script.watch(&mut base, &ours);
    let reading = waiting(&mut base, source, EventFlags::READ, Mode::Persist, 1, App::record);
    let bare = timer(&mut base, Mode::OneShot, 2, App::record);
    let timed = timer(&mut base, Mode::OneShot, 3, App::record);
    for event in [reading, bare, timed] {
        add(&mut base, event, 25);
        base.event(event).unwrap().remove_timeout();
    }
    assert_eq!(base.event(reading).unwrap().pending(), EventFlags::READ, "the interest stays");
    assert_eq!(base.event(bare).unwrap().pending(), EventFlags::NONE);
    for event in [reading, bare, timed] {
        base.event(event).unwrap().activate(EventFlags::READ);
    }
    base.exit_after(ms(100));
    script.run(&mut base, &mut app, Run::DEFAULT);
    assert_eq!(app.users(), [1, 2, 3]);
    assert_eq!(app.whats(), [EventFlags::READ; 3], "none of them by its timeout");
}

#[test]
fn event_timeout_lost() {
    for mode in [Mode::OneShot, Mode::Persist] {
        let mut storage = storage();
        let (mut base, mut script, mut app) = begin(&mut storage);
        let (ours, theirs) = pair();
        let source = script.watch(&mut base, &ours);
        let event = waiting(&mut base, source, EventFlags::READ, mode, 1, App::record_and_exit);
        add(&mut base, event, 10);
        theirs.write(b"x");
        base.settle(&mut script).unwrap();
        // When the timeout of the event passes, the event is already active, because its source is readable.
        base.ready(source, EventFlags::READ);
        script.world.borrow_mut().pass(ms(20));
        script.run(&mut base, &mut app, Run::DEFAULT);
        assert_eq!(app.whats(), [EventFlags::READ | EventFlags::TIMEOUT], "{mode:?}");
    }
}

/// There are a hundred persistent timers. One half has a period of 100 ms, and the other half has a period of 200 ms.
/// Some of the timers with a period of 100 ms had a period of 200 ms at first. Each timer must fire exactly at the
/// multiples of its period.
#[test]
fn common_timeout() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let (short, long) = (Some(ms(100)), Some(ms(200)));
    let count = |app: &mut App, event: &mut EventMut<App>| {
        app.record(event);
        let user = event.user();
        if app.calls_of(user) == 4 {
            event.del();
            app.count += 1;
        }
        if app.count == 100 {
            event.exit();
        }
    };
    let events: Vec<_> =
        (0..100).map(|user| timer(&mut base, Mode::Persist, user, count)).collect();
    for (index, event) in events.iter().enumerate() {
        let mut event = base.event(*event).unwrap();
        match index {
            index if index % 20 == 1 => {
                event.add(long).unwrap();
                event.add(short).unwrap();
            }
            index if index % 2 == 1 => event.add(short).unwrap(),
            _ => event.add(long).unwrap(),
        }
    }
    script.run(&mut base, &mut app, Run::DEFAULT);
    for user in 0..100 {
        let period = if user % 2 == 1 { 100 } else { 200 };
        let times: Vec<_> =
            app.calls.iter().filter(|call| call.user == user).map(|call| call.at).collect();
        let expected: Vec<_> = (1..=4).map(|number| at(number * period)).collect();
        assert_eq!(times, expected, "timer {user}");
    }
    // A base can be dropped while timers are armed.
    for event in &events {
        base.event(*event).unwrap().add(short).unwrap();
    }
}
