//! Rules of libevent's loop that libevent's own tests do not check.

mod script;

use picoevent::{End, EventFlags, EventMut, Mode, Run, Signal};

use script::app::{add, pending, timer, waiting};
use script::stream::pair;
use script::{App, at, begin, ms, storage};

#[test]
fn a_continue_requested_between_passes_is_forgotten() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    for user in [1, 2] {
        let event = timer(&mut base, Mode::OneShot, user, App::record);
        base.event(event).unwrap().activate(EventFlags::READ);
    }
    base.loop_continue();
    let _ = base.iterate(&mut app, &mut script);
    assert_eq!(app.users(), [1, 2]);
}

#[test]
fn a_break_comes_before_an_exit() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let both = |_: &mut App, event: &mut EventMut<App>| {
        event.exit();
        event.loop_break();
    };
    base.after(ms(1), both).unwrap();
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Break);
    assert!(base.got_break());
}

#[test]
fn adding_again_replaces_the_deadline_and_the_interval() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let event = timer(&mut base, Mode::Persist, 1, App::record);
    for millis in [5, 50, 20] {
        add(&mut base, event, millis);
        assert_eq!(base.event(event).unwrap().deadline(), Some(at(millis)));
    }
    assert_eq!(base.counts().added, 1);
    base.exit_after(ms(70));
    script.run(&mut base, &mut app, Run::DEFAULT);
    assert_eq!(app.millis(), [20, 40, 60]);
}

#[test]
fn deleting_cancels_everything_and_deleting_twice_is_as_deleting_once() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let source = script.watch(&mut base, &pair().0);
    let event = waiting(&mut base, source, EventFlags::WRITE, Mode::Persist, 1, App::record);
    add(&mut base, event, 5);
    base.event(event).unwrap().activate(EventFlags::READ);
    assert_eq!(base.counts().added, 3);
    for _ in 0..2 {
        base.event(event).unwrap().del();
        assert_eq!((pending(&mut base, event), base.counts().added), (EventFlags::NONE, 0));
    }
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
    assert_eq!(app.calls, []);
}

/// Bits that have no meaning in picoevent are passed to the callback unchanged, so that the application can use them.
#[test]
fn activate_passes_its_flags_to_the_callback_unchanged() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let event = timer(&mut base, Mode::OneShot, 1, App::record);
    let what = EventFlags::from_bits(0x50) | EventFlags::WRITE;
    base.event(event).unwrap().activate(what);
    assert_eq!(pending(&mut base, event), what);
    script.run(&mut base, &mut app, Run::DEFAULT);
    assert_eq!(app.whats(), [what]);
}

/// The next deadline of a periodic timer is the previous deadline plus the interval. This also holds if the application
/// activates the event with the flag `TIMEOUT`. So the second call comes two intervals after the first.
#[test]
fn activating_a_periodic_event_with_timeout_counts_as_a_period() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let event = timer(&mut base, Mode::Persist, 1, App::record);
    add(&mut base, event, 100);
    base.event(event).unwrap().activate(EventFlags::TIMEOUT);
    base.exit_after(ms(350));
    script.run(&mut base, &mut app, Run::DEFAULT);
    assert_eq!(app.millis(), [0, 200, 300]);
}

#[test]
fn timeouts_added_in_a_callback_count_from_the_loops_time() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    base.after(ms(10), |app: &mut App, event: &mut EventMut<App>| {
        app.world.borrow_mut().pass(ms(3));
        event.after(ms(10), App::record).unwrap();
    })
    .unwrap();
    script.run(&mut base, &mut app, Run::DEFAULT);
    assert_eq!(app.millis(), [20]);
}

#[test]
fn watchers_before_the_wait_see_the_old_time_and_those_after_it_the_new_one() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    base.on_prepare(App::record).unwrap();
    base.on_check(App::record).unwrap();
    base.after(ms(10), App::record_and_exit).unwrap();
    script.run(&mut base, &mut app, Run::DEFAULT);
    assert_eq!(app.millis(), [0, 10, 10]);
}

#[test]
fn a_new_timeout_stops_the_repeats_of_a_signal_that_had_timed_out() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let event = base.on_signal(Signal::USR1, App::record).unwrap();
    add(&mut base, event, 10);
    base.raised(Signal::USR1, 3);
    base.event(event).unwrap().activate(EventFlags::TIMEOUT);
    add(&mut base, event, 10);
    base.exit_after(ms(15));
    script.run(&mut base, &mut app, Run::DEFAULT);
    assert_eq!((app.whats(), app.millis()), (vec![EventFlags::TIMEOUT], vec![10]));
}

#[test]
fn a_persistent_event_stays_on_its_source_when_its_timeout_has_passed() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let (near, far) = pair();
    let source = script.watch(&mut base, &near);
    let event = waiting(&mut base, source, EventFlags::READ, Mode::Persist, 1, App::record);
    add(&mut base, event, 10);
    // The event is due but not called yet, because a more urgent event runs first.
    let urgent = timer(&mut base, Mode::OneShot, 2, App::record);
    base.event(urgent).unwrap().set_priority(picoevent::Priority::HIGHEST).unwrap();
    add(&mut base, urgent, 10);
    let _ = base.iterate(&mut app, &mut script);
    assert_eq!(app.users(), [2]);
    assert_eq!(pending(&mut base, event), EventFlags::READ | EventFlags::TIMEOUT);
    far.write(b"x");
    let _ = base.iterate(&mut app, &mut script);
    assert_eq!(app.whats()[1..], [EventFlags::READ | EventFlags::TIMEOUT], "one call for both");
}

#[test]
fn a_persistent_signal_event_keeps_its_period() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let event = base.on_signal(Signal::USR1, App::record).unwrap();
    add(&mut base, event, 10);
    script.world.borrow_mut().at(15, |world| world.raise(Signal::USR1, 1));
    base.exit_after(ms(40));
    script.run(&mut base, &mut app, Run::DEFAULT);
    assert_eq!(
        app.whats(),
        [EventFlags::TIMEOUT, EventFlags::SIGNAL, EventFlags::TIMEOUT, EventFlags::TIMEOUT]
    );
    assert_eq!(app.millis(), [10, 15, 25, 35], "a raise starts the time again");
}

#[test]
fn removing_the_timeout_of_a_signal_event_keeps_its_raises() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let event = base.on_signal(Signal::USR1, App::record).unwrap();
    add(&mut base, event, 10);
    base.raised(Signal::USR1, 2);
    base.event(event).unwrap().remove_timeout();
    let _ = base.iterate(&mut app, &mut script);
    assert_eq!(app.whats(), [EventFlags::SIGNAL, EventFlags::SIGNAL]);
}

#[test]
fn activating_a_signal_event_in_its_callback_leaves_its_repeats() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let activates = |app: &mut App, event: &mut EventMut<App>| {
        app.record(event);
        if event.what() == EventFlags::SIGNAL {
            event.activate(EventFlags::READ);
        }
    };
    base.on_signal(Signal::USR1, activates).unwrap();
    base.raised(Signal::USR1, 3);
    for _ in 0..2 {
        let _ = base.iterate(&mut app, &mut script);
    }
    assert_eq!(
        app.whats(),
        [EventFlags::SIGNAL, EventFlags::SIGNAL, EventFlags::SIGNAL, EventFlags::READ]
    );
}

#[test]
fn a_break_by_a_watcher_ends_the_loop_before_the_pass() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    base.after(ms(1), App::record).unwrap();
    base.on_check(|_, event| event.loop_break()).unwrap();
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Break);
    assert_eq!(app.users(), []);
}
