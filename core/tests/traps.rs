//! Traps of libevent's loop, and what happens here instead: those that no other test shows.
//!
//! The others stand with the rules they are about, and `docs/from-libevent.md` names each.

mod script;

use picoevent::{End, EventBase, EventFlags, EventMut, Mode, Priority, Run};

use script::app::{add, timer, waiting};
use script::stream::pair;
use script::{App, at, begin, ms, room};

/// `EVLOOP_NONBLOCK` alone is no single pass, there or here: it goes on as long as a look finds
/// something. Together with `ONCE` it is one.
#[test]
fn nonblock_goes_on_while_something_is_ready_and_with_once_it_is_one_pass() {
    let mut room = room();
    let (mut base, mut script, mut app) = begin(&mut room);
    let source = script.watch(&mut base, &pair().0);
    waiting(&mut base, source, EventFlags::WRITE, Mode::Persist, 1, |app, event| {
        app.note(event);
        if app.calls.len() == 1000 {
            event.loop_break();
        }
    });
    assert_eq!(script.run(&mut base, &mut app, Run::NONBLOCK), End::Break);
    assert_eq!(app.calls.len(), 1000);
    assert_eq!(script.run(&mut base, &mut app, Run::NONBLOCK | Run::ONCE), End::Done);
    assert_eq!(app.calls.len(), 1001);
}

/// libevent keeps the interval of a persistent event when it is deleted, and the next activation
/// sets a timer that the program did not ask for.
#[test]
fn activating_a_deleted_event_revives_no_interval() {
    let mut room = room();
    let (mut base, mut script, mut app) = begin(&mut room);
    let event = timer(&mut base, Mode::Persist, 1, App::note);
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

/// Priorities are strict, there and here: what is always ready and more urgent leaves the others
/// no turn. What can be done about it is a priority; a limit would only cut passes shorter.
#[test]
fn an_urgent_event_that_is_always_ready_leaves_the_others_no_turn() {
    let mut room = room();
    let (mut base, mut script, mut app) = begin(&mut room);
    let busy = script.watch(&mut base, &pair().0);
    let urgent = waiting(&mut base, busy, EventFlags::WRITE, Mode::Persist, 1, |app, event| {
        app.note(event);
        if app.calls.len() == 200 {
            event.del();
        }
    });
    base.event(urgent).unwrap().set_priority(Priority::HIGHEST).unwrap();
    let other = script.watch(&mut base, &pair().0);
    waiting(&mut base, other, EventFlags::WRITE, Mode::OneShot, 2, App::note);
    script.run(&mut base, &mut app, Run::DEFAULT);
    assert_eq!(app.users(), [vec![1; 200], vec![2]].concat());
}

/// Three active events of three priorities cost three looks for news, there and here.
#[test]
fn each_priority_that_has_something_due_costs_a_look_for_news() {
    let mut room = room();
    let (mut base, mut script, mut app) = begin(&mut room);
    for level in 0..3 {
        let event = timer(&mut base, Mode::OneShot, level.into(), App::note);
        base.event(event).unwrap().set_priority(Priority::new(level).unwrap()).unwrap();
        base.event(event).unwrap().activate(EventFlags::READ);
    }
    script.run(&mut base, &mut app, Run::DEFAULT);
    assert_eq!((app.users(), script.waits.len()), (vec![0, 1, 2], 3));
}

/// The base answers with a deadline and not with a duration, so a back end cannot wait too long
/// by what a callback has worked.
#[test]
fn the_wait_is_a_point_in_time_that_a_slow_callback_does_not_move() {
    let mut room = room();
    let (mut base, mut script, mut app) = begin(&mut room);
    base.after(ms(70), App::note).unwrap();
    base.after(ms(10), |app: &mut App, _| app.world.borrow_mut().pass(ms(50))).unwrap();
    assert!(base.turn(&mut app, &mut script).is_ready());
    assert_eq!(script.world.borrow().now(), at(60));
    assert!(base.turn(&mut app, &mut script).is_ready());
    assert_eq!((script.waits, app.millis()), (vec![at(10), at(70)], vec![70]));
}

/// A timer without delay that sets itself again in its callback has one turn in each pass.
#[test]
fn a_timer_without_delay_that_adds_itself_again_lets_news_through() {
    let mut room = room();
    let (mut base, mut script, mut app) = begin(&mut room);
    fn again(app: &mut App, event: &mut EventMut<App>) {
        app.note(event);
        if app.calls.len() < 50 {
            event.add(Some(ms(0))).unwrap();
        }
    }
    let event = timer(&mut base, Mode::OneShot, 1, again);
    add(&mut base, event, 0);
    script.run(&mut base, &mut app, Run::DEFAULT);
    assert_eq!((app.calls.len(), script.waits.len()), (50, 50));
}

/// A loop that is asked to run in a mode that must not wait, on a base with nothing in it, has
/// nothing left to do, there and here.
#[test]
fn an_empty_base_has_nothing_left_in_every_mode() {
    let mut room = room();
    let (mut base, mut script, mut app): (EventBase<App>, _, _) = begin(&mut room);
    for run in [Run::DEFAULT, Run::ONCE, Run::NONBLOCK, Run::ONCE | Run::NONBLOCK] {
        assert_eq!(script.run(&mut base, &mut app, run), End::Empty, "{run:?}");
    }
    assert_eq!(script.waits, []);
}
