//! Watchers, before and after the wait.

use picoevent::{EventBase, EventMut, FullError, Mode, Run, Signal, Storage};

use crate::script::app::{add, timer};
use crate::script::{App, begin, ms, storage};

/// There are two prepare watchers and two check watchers. The prepare watchers are called before the wait, and the
/// check watchers after the wait, each in the order in which they were made. The second prepare watcher gets the length
/// of the wait and frees two other watchers. The remaining watchers are not freed before the base is dropped.
#[test]
fn callback_ordering() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let free_others = |app: &mut App, event: &mut EventMut<App>| {
        app.record(event);
        app.wait = app.wait.or(event.wait_to_come());
        for other in app.events.drain(..) {
            event.event(other).unwrap().free();
        }
    };
    let watchers = [
        base.on_check(App::record).unwrap(),
        base.on_prepare(App::record).unwrap(),
        base.on_check(App::record).unwrap(),
        base.on_prepare(free_others).unwrap(),
    ];
    for (user, watcher) in watchers.iter().enumerate() {
        base.event(*watcher).unwrap().set_user(user as u32);
    }
    let event = timer(&mut base, Mode::OneShot, 9, App::record);
    add(&mut base, event, 1_000);
    let _ = base.iterate(&mut app, &mut script);
    assert_eq!(app.users(), [1, 3, 0, 2, 9]);
    assert_eq!(app.wait, Some(ms(1_000)));

    app.calls.clear();
    app.events = vec![watchers[0], watchers[1]];
    add(&mut base, event, 1_000);
    script.run(&mut base, &mut app, Run::DEFAULT);
    assert_eq!(app.users(), [1, 3, 2, 9], "what is freed before its call is not called");
    assert_eq!(base.counts().events, 3, "two watchers and the timer are left to the base");
}

#[test]
fn timeout_unavailable() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    base.on_prepare(|app: &mut App, event| {
        app.record(event);
        app.wait = event.wait_to_come();
    })
    .unwrap();
    app.wait = Some(ms(7));
    base.on_signal(Signal::USR1, App::record_and_exit).unwrap();
    script.world.borrow_mut().at(5, |world| world.raise(Signal::USR1, 1));
    script.run(&mut base, &mut app, Run::DEFAULT);
    assert_eq!((app.calls.len(), app.wait), (2, None), "the loop waits without limit");
}

/// In libevent the allocator fails. Here the table is full.
#[test]
fn malloc_failure() {
    let mut storage = Box::new(Storage::<App, 1, 0, 0>::new());
    let mut base = EventBase::new(&mut storage);
    base.on_prepare(App::record).unwrap();
    assert_eq!(base.on_prepare(App::record), Err(FullError::Events));
    assert_eq!(base.on_check(App::record), Err(FullError::Events));
    assert_eq!(base.counts().events, 1);
}
