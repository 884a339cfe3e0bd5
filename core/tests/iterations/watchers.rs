//! Watchers: callbacks before and after the wait.

use std::time::Duration;

use picoevent::{End, EventFlags, Mode, Signal, Wait};

use crate::{App, activate, at, base, iterate, ms, timer};

#[test]
fn watchers_run_around_the_wait_in_the_order_they_were_made() {
    let (mut base, mut app) = (base(), App::default());
    let watchers = [
        base.on_check(App::record).unwrap(),
        base.on_prepare(App::record).unwrap(),
        base.on_prepare(App::record).unwrap(),
        base.on_check(App::record).unwrap(),
    ];
    for (user, watcher) in watchers.iter().enumerate() {
        base.event(*watcher).unwrap().set_user(user as u32 + 1);
    }
    let due = timer(&mut base, Mode::OneShot, 9);
    base.event(due).unwrap().add(Some(ms(5))).unwrap();
    assert_eq!(iterate(&mut base, &mut app, 5), Wait::Until(at(5)));
    assert_eq!(app.take(), [2, 3, 1, 4, 9]);
    assert_eq!(iterate(&mut base, &mut app, 5), Wait::Ended(End::Empty), "they keep no loop alive");
    assert_eq!(app.take(), [], "a loop that ends does not wait");
    assert_eq!((base.counts().added, base.counts().events), (0, 5));
}

#[test]
fn a_prepare_watcher_knows_the_wait_to_come() {
    let (mut base, mut app) = (base(), App::default());
    base.on_prepare(App::about_to_wait).unwrap();
    base.on_signal(Signal::INT, App::record).unwrap();
    let event = timer(&mut base, Mode::OneShot, 1);
    let _ = iterate(&mut base, &mut app, 3);
    base.event(event).unwrap().add(Some(ms(7))).unwrap();
    let _ = iterate(&mut base, &mut app, 4);
    activate(&mut base, event);
    let _ = iterate(&mut base, &mut app, 5);
    assert_eq!(app.waits, [None, Some(ms(7)), Some(Duration::ZERO)]);
}

#[test]
fn a_watcher_frees_itself_and_others_in_its_callback() {
    let (mut base, mut app) = (base(), App::default());
    base.on_signal(Signal::INT, App::record).unwrap();
    for user in 0..4 {
        let watcher = base.on_check(App::record).unwrap();
        base.event(watcher).unwrap().set_user(user);
        app.events.push(watcher);
    }
    app.react = Some(|app, cx, user| {
        if user == 0 {
            cx.event(app.events[0]).unwrap().free();
            cx.event(app.events[1]).unwrap().free();
        }
    });
    let _ = iterate(&mut base, &mut app, 1);
    assert_eq!(app.take(), [0, 2, 3]);
    let _ = iterate(&mut base, &mut app, 1);
    assert_eq!(app.take(), [2, 3]);
}

#[test]
fn a_watcher_that_makes_watchers_does_not_keep_the_iteration_going() {
    let (mut base, mut app) = (base(), App::default());
    base.on_signal(Signal::INT, App::record).unwrap();
    app.events.push(base.on_check(App::record).unwrap());
    app.react = Some(|app, cx, _| {
        cx.event(app.events[0]).unwrap().free();
        app.events[0] = cx.on_check(App::record).unwrap();
    });
    let _ = iterate(&mut base, &mut app, 1);
    let _ = iterate(&mut base, &mut app, 2);
    assert_eq!(app.calls.len(), 2);
}

#[test]
fn a_watcher_is_not_called_while_it_is_deleted() {
    let (mut base, mut app) = (base(), App::default());
    base.on_signal(Signal::INT, App::record).unwrap();
    let watcher = base.on_prepare(App::record).unwrap();
    base.event(watcher).unwrap().del();
    let _ = iterate(&mut base, &mut app, 1);
    assert_eq!(app.calls.len(), 0);
    base.event(watcher).unwrap().add(None).unwrap();
    let _ = iterate(&mut base, &mut app, 1);
    assert_eq!(app.calls.len(), 1);
}

#[test]
fn the_loop_does_not_wait_after_a_prepare_watcher_activates_an_event() {
    let (mut base, mut app) = (base(), App::default());
    base.on_signal(Signal::INT, App::record).unwrap();
    app.events.push(timer(&mut base, Mode::OneShot, 5));
    base.on_prepare(App::record).unwrap();
    app.react = Some(|app, cx, user| {
        if user == 0 {
            cx.event(app.events[0]).unwrap().activate(EventFlags::READ);
        }
    });
    assert_eq!(iterate(&mut base, &mut app, 1), Wait::Not);
    assert_eq!(app.take(), [0, 5]);
}

#[test]
fn a_check_watcher_comes_before_the_timers() {
    let (mut base, mut app) = (base(), App::default());
    app.events.push(timer(&mut base, Mode::OneShot, 5));
    base.on_check(App::record).unwrap();
    let due = timer(&mut base, Mode::OneShot, 6);
    base.event(due).unwrap().add(Some(ms(1))).unwrap();
    app.react = Some(|app, cx, user| {
        if user == 0 {
            cx.event(app.events[0]).unwrap().activate(EventFlags::READ);
        }
    });
    let _ = iterate(&mut base, &mut app, 1);
    assert_eq!(app.take(), [0, 5, 6], "what it activates is queued before them");
}
