//! How a loop ends: exit, break, no events left, and signals that another context raises during the wait.

use picoevent::{End, EventFlags, EventMut, Mode, Run, Signal};

use crate::script::app::{add, pending, timer, waiting};
use crate::script::stream::pair;
use crate::script::{App, at, begin, ms, storage};

#[test]
fn loopbreak() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let breaks = timer(&mut base, Mode::OneShot, 1, |app, event| {
        app.record(event);
        event.loop_break();
    });
    let fails = timer(&mut base, Mode::OneShot, 2, App::record);
    add(&mut base, breaks, 0);
    add(&mut base, fails, 0);
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Break);
    assert_eq!(app.users(), [1]);
    assert!(base.got_break() && !base.got_exit());
}

#[test]
fn loopexit() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let event = timer(&mut base, Mode::OneShot, 1, App::record);
    add(&mut base, event, 24 * 60 * 60 * 1000);
    base.exit_after(ms(300));
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Exit);
    assert_eq!((base.now(), app.calls.len()), (at(300), 0));
    assert!(base.got_exit() && !base.got_break());
}

#[test]
fn loopexit_multiple() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    base.exit_after(ms(200));
    base.exit_after(ms(3_000));
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Exit);
    assert_eq!(base.now(), at(200));
    assert!(base.got_exit() && !base.got_break());
}

/// Two one-shot events are active. The callback of each event adds the other event. First, event 0 is called and adds
/// event 1. Then event 1 is called: it is deleted before its callback, because it is a one-shot event. Its callback
/// adds event 0. So event 0 is pending at the end, and event 1 is not.
#[test]
fn nonpersist_readd() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let (first, second) = pair();
    for (user, end) in [(0, &first), (1, &second)] {
        let source = script.watch(&mut base, end);
        let event = waiting(&mut base, source, EventFlags::READ, Mode::OneShot, user, readd);
        app.events.push(event);
    }
    fn readd(app: &mut App, event: &mut EventMut<App>) {
        app.record(event);
        let user = event.user() as usize;
        assert_eq!(app.ends[user].read(256).unwrap(), b"Hello");
        event.event(app.events[1 - user]).unwrap().add(None).unwrap();
    }
    first.write(b"Hello");
    second.write(b"Hello");
    app.ends = vec![first, second];
    assert_eq!(script.run(&mut base, &mut app, Run::ONCE), End::Done);
    assert_eq!(app.users(), [0, 1]);
    assert_eq!(pending(&mut base, app.events[0]), EventFlags::READ);
    assert_eq!(pending(&mut base, app.events[1]), EventFlags::NONE);
}

/// In libevent's test, another thread deletes the last event. Here another context raises a signal, and the signal's
/// callback deletes the event.
#[test]
fn del_notify() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let (ours, _theirs) = pair();
    let source = script.watch(&mut base, &ours);
    app.events = vec![waiting(&mut base, source, EventFlags::READ, Mode::OneShot, 1, App::record)];
    delete_the_last_when_raised(&mut base, &mut script);
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
    assert_eq!((base.now(), app.calls.len()), (at(10), 0));
}

#[test]
fn del_timeout_notify() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let event = timer(&mut base, Mode::OneShot, 1, App::record);
    add(&mut base, event, 5_000);
    app.events = vec![event];
    delete_the_last_when_raised(&mut base, &mut script);
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
    assert_eq!((base.now(), app.calls.len()), (at(10), 0));
}

/// Another context raises a signal at 10 ms. The signal's callback deletes the last event.
fn delete_the_last_when_raised(
    base: &mut picoevent::EventBase<App>,
    script: &mut crate::script::Script,
) {
    let delete = |app: &mut App, event: &mut EventMut<App>| {
        event.event(app.events[0]).unwrap().del();
    };
    let signal = base.new_signal(Signal::USR1, Mode::OneShot, delete).unwrap();
    base.event(signal).unwrap().add(None).unwrap();
    script.world.borrow_mut().at(10, |world| world.raise(Signal::USR1, 1));
}
