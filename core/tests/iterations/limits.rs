//! The dispatch limits of a pass, and changes of the loop's time within a pass.

use picoevent::{DispatchLimit, Mode, Priority, Wait};

use crate::clock::Clock;
use crate::{App, activate, at, base, iterate, ms, timer};

#[test]
fn a_limit_of_callbacks_lets_the_loop_check_for_new_events() {
    let (mut base, mut app) = (base(), App::default());
    let events: Vec<_> = (0..7).map(|user| timer(&mut base, Mode::OneShot, user)).collect();
    let limit = DispatchLimit { callbacks: Some(3), time: None, priority: Priority::DEFAULT };
    base.set_dispatch_limit(Some(limit));
    events.iter().for_each(|event| activate(&mut base, *event));
    let mut passes = Vec::new();
    while iterate(&mut base, &mut app, 1) == Wait::Not {
        passes.push(app.take());
    }
    assert_eq!(passes, [vec![0, 1, 2], vec![3, 4, 5], vec![6]]);
    // A limit applies only to events of its own priority and to less urgent events. For these events, a limit of zero
    // callbacks still allows one callback in each pass.
    let urgent = Priority::new(3).unwrap();
    base.set_dispatch_limit(Some(DispatchLimit { callbacks: Some(0), ..limit }));
    for event in &events {
        base.event(*event).unwrap().set_priority(urgent).unwrap();
        activate(&mut base, *event);
    }
    let _ = iterate(&mut base, &mut app, 1);
    assert_eq!(app.take().len(), 7);
    for event in &events[..2] {
        base.event(*event).unwrap().set_priority(Priority::LOWEST).unwrap();
        activate(&mut base, *event);
    }
    let _ = iterate(&mut base, &mut app, 1);
    assert_eq!(app.take(), [0]);
}

#[test]
fn a_limit_of_time_is_checked_after_each_callback() {
    let (mut base, mut app) = (base(), App::default());
    let time = Some(ms(10));
    let limit = DispatchLimit { callbacks: None, time, priority: Priority::HIGHEST };
    base.set_dispatch_limit(Some(limit));
    for user in 0..5 {
        let event = timer(&mut base, Mode::OneShot, user);
        activate(&mut base, event);
    }
    let mut clock = Clock { work: ms(4), ..Clock::at(at(100)) };
    let _ = base.iterate(&mut app, &mut clock);
    assert_eq!((app.take(), base.now()), (vec![0, 1, 2], at(112)));
    base.set_dispatch_limit(None);
    let _ = base.iterate(&mut app, &mut clock);
    assert_eq!((app.take(), clock.now), (vec![3, 4], at(120)));
    assert_eq!(base.now(), at(112), "no limit asks for the time");
}

#[test]
fn a_limit_of_time_that_a_callback_sets_counts_from_the_beginning_of_the_pass() {
    let (mut base, mut app) = (base(), App::default());
    app.react = Some(|_, cx, user| {
        if user == 0 {
            let time = Some(ms(10));
            let limit = DispatchLimit { callbacks: None, time, priority: Priority::HIGHEST };
            cx.set_dispatch_limit(Some(limit));
        }
    });
    for user in 0..5 {
        let event = timer(&mut base, Mode::OneShot, user);
        activate(&mut base, event);
    }
    let mut clock = Clock { work: ms(4), ..Clock::at(at(100)) };
    let _ = base.iterate(&mut app, &mut clock);
    assert_eq!((app.take(), base.now()), (vec![0, 1, 2], at(112)));
}

#[test]
fn the_time_can_be_set_forward_within_a_pass() {
    let (mut base, mut app) = (base(), App::default());
    app.events.push(timer(&mut base, Mode::OneShot, 2));
    app.react = Some(|app, cx, _| {
        cx.update_now(at(50));
        cx.update_now(at(20));
        cx.event(app.events[0]).unwrap().add(Some(ms(5))).unwrap();
    });
    let event = timer(&mut base, Mode::OneShot, 1);
    activate(&mut base, event);
    let _ = iterate(&mut base, &mut app, 10);
    assert_eq!(base.deadline(), Some(at(55)));
}
