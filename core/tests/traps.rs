//! Pitfalls of libevent's loop, and the behaviour here. This file has only the pitfalls that no other test covers.
//!
//! The tests of all other pitfalls are next to the rules that they concern. `docs/from-libevent.md` lists all pitfalls.

mod script;

use picoevent::{End, EventBase, EventFlags, EventMut, Mode, Priority, Run};

use script::app::{add, timer, waiting};
use script::stream::pair;
use script::{App, at, begin, ms, storage};

/// In libevent and here, a run with `EVLOOP_NONBLOCK` alone is not a single pass: the loop continues while it finds
/// ready events. With `EVLOOP_ONCE | EVLOOP_NONBLOCK`, the run is a single pass.
#[test]
fn nonblock_continues_while_something_is_ready_and_with_once_runs_one_pass() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let source = script.watch(&mut base, &pair().0);
    waiting(&mut base, source, EventFlags::WRITE, Mode::Persist, 1, |app, event| {
        app.record(event);
        if app.calls.len() == 1000 {
            event.loop_break();
        }
    });
    assert_eq!(script.run(&mut base, &mut app, Run::NONBLOCK), End::Break);
    assert_eq!(app.calls.len(), 1000);
    assert_eq!(script.run(&mut base, &mut app, Run::NONBLOCK | Run::ONCE), End::Done);
    assert_eq!(app.calls.len(), 1001);
}

/// libevent keeps the interval of a persistent event when the event is deleted. Then the next activation sets a timer
/// that the program did not request. Here no timer is set.
#[test]
fn activating_a_deleted_event_does_not_restore_its_interval() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let event = timer(&mut base, Mode::Persist, 1, App::record);
    add(&mut base, event, 20);
    base.event(event).unwrap().del();
    base.event(event).unwrap().activate(EventFlags::READ);
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
    assert_eq!((app.whats(), base.deadline()), (vec![EventFlags::READ], None));
    add(&mut base, event, 20);
    base.event(event).unwrap().remove_timeout();
    base.event(event).unwrap().activate(EventFlags::READ);
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
    assert_eq!((app.calls.len(), base.deadline()), (2, None));
}

/// In libevent and here, priorities are strict: a more urgent event that is always ready starves the other events. To
/// avoid this, give the event another priority. A dispatch limit does not help: it makes passes shorter, but the next
/// pass runs the urgent event again.
#[test]
fn an_urgent_event_that_is_always_ready_starves_the_others() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let busy = script.watch(&mut base, &pair().0);
    let urgent = waiting(&mut base, busy, EventFlags::WRITE, Mode::Persist, 1, |app, event| {
        app.record(event);
        if app.calls.len() == 200 {
            event.del();
        }
    });
    base.event(urgent).unwrap().set_priority(Priority::HIGHEST).unwrap();
    let other = script.watch(&mut base, &pair().0);
    waiting(&mut base, other, EventFlags::WRITE, Mode::OneShot, 2, App::record);
    script.run(&mut base, &mut app, Run::DEFAULT);
    assert_eq!(app.users(), [vec![1; 200], vec![2]].concat());
}

/// Three events with three different priorities are active. In libevent and here, one pass runs the events of one
/// priority. So the loop checks for new events three times.
#[test]
fn each_priority_that_has_something_due_costs_a_poll() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    for level in 0..3 {
        let event = timer(&mut base, Mode::OneShot, level.into(), App::record);
        base.event(event).unwrap().set_priority(Priority::new(level).unwrap()).unwrap();
        base.event(event).unwrap().activate(EventFlags::READ);
    }
    script.run(&mut base, &mut app, Run::DEFAULT);
    assert_eq!((app.users(), script.waits.len()), (vec![0, 1, 2], 3));
}

/// The base passes a deadline to the back end, not a duration. With a duration, the loop would wait too long after a
/// slow callback.
#[test]
fn a_slow_callback_does_not_move_the_next_deadline() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    base.after(ms(70), App::record).unwrap();
    base.after(ms(10), |app: &mut App, _| app.world.borrow_mut().pass(ms(50))).unwrap();
    assert!(base.iterate(&mut app, &mut script).is_ready());
    assert_eq!(script.world.borrow().now(), at(60));
    assert!(base.iterate(&mut app, &mut script).is_ready());
    assert_eq!((script.waits, app.millis()), (vec![at(10), at(70)], vec![70]));
}

/// A timer without delay that re-arms itself in its callback runs once in each pass.
#[test]
fn a_timer_without_delay_that_adds_itself_again_does_not_starve_the_others() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    fn again(app: &mut App, event: &mut EventMut<App>) {
        app.record(event);
        if app.calls.len() < 50 {
            event.add(Some(ms(0))).unwrap();
        }
    }
    let event = timer(&mut base, Mode::OneShot, 1, again);
    add(&mut base, event, 0);
    script.run(&mut base, &mut app, Run::DEFAULT);
    assert_eq!((app.calls.len(), script.waits.len()), (50, 50));
}

/// In libevent and here, the loop of an empty base ends at once in every mode. The reason is that there is nothing to
/// wait for.
#[test]
fn an_empty_base_ends_the_loop_in_every_mode() {
    let mut storage = storage();
    let (mut base, mut script, mut app): (EventBase<App>, _, _) = begin(&mut storage);
    for run in [Run::DEFAULT, Run::ONCE, Run::NONBLOCK, Run::ONCE | Run::NONBLOCK] {
        assert_eq!(script.run(&mut base, &mut app, run), End::Empty, "{run:?}");
    }
    assert_eq!(script.waits, []);
}
