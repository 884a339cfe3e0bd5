//! Run modes, and the result of a loop when it ends.

use picoevent::{End, Mode, Priority, Run, Wait};

use crate::{App, activate, at, base, iterate, ms, timer};

#[test]
fn once_ends_when_callbacks_have_run_and_none_is_due() {
    let (mut base, mut app) = (base(), App::default());
    let events = [timer(&mut base, Mode::Persist, 1), timer(&mut base, Mode::Persist, 2)];
    base.event(events[1]).unwrap().set_priority(Priority::LOWEST).unwrap();
    base.event(events[0]).unwrap().add(Some(ms(5))).unwrap();
    base.event(events[1]).unwrap().add(Some(ms(5))).unwrap();
    base.begin(Run::ONCE);
    assert_eq!(iterate(&mut base, &mut app, 2), Wait::Until(at(5)));
    assert_eq!(iterate(&mut base, &mut app, 5), Wait::Until(at(5)), "no callback ran yet");
    assert_eq!(iterate(&mut base, &mut app, 5), Wait::Not, "one is due still");
    assert_eq!(iterate(&mut base, &mut app, 5), Wait::Ended(End::Done));
    assert_eq!(app.take(), [1, 2]);
    base.begin(Run::DEFAULT);
    assert_eq!(iterate(&mut base, &mut app, 5), Wait::Until(at(10)), "the next run is another");
}

#[test]
fn once_ends_although_the_last_due_callback_is_deleted_before_its_call() {
    let (mut base, mut app) = (base(), App::default());
    app.events = vec![timer(&mut base, Mode::Persist, 1), timer(&mut base, Mode::Persist, 2)];
    base.event(app.events[1]).unwrap().set_priority(Priority::LOWEST).unwrap();
    for event in &app.events {
        base.event(*event).unwrap().add(Some(ms(5))).unwrap();
    }
    base.begin(Run::ONCE);
    assert_eq!(iterate(&mut base, &mut app, 5), Wait::Until(at(5)));
    base.on_check(|app: &mut App, check| check.event(app.events[1]).unwrap().del()).unwrap();
    assert_eq!(iterate(&mut base, &mut app, 5), Wait::Not, "one is due still");
    assert_eq!(iterate(&mut base, &mut app, 5), Wait::Ended(End::Done));
    assert_eq!(app.take(), [1]);
}

#[test]
fn nonblock_ends_when_a_poll_finds_nothing() {
    let (mut base, mut app) = (base(), App::default());
    let event = timer(&mut base, Mode::Persist, 1);
    base.event(event).unwrap().add(Some(ms(5))).unwrap();
    base.begin(Run::NONBLOCK);
    assert_eq!(iterate(&mut base, &mut app, 5), Wait::Not, "it never waits");
    assert_eq!(iterate(&mut base, &mut app, 5), Wait::Not);
    assert_eq!(iterate(&mut base, &mut app, 5), Wait::Ended(End::Done));
    assert_eq!(app.take(), [1]);
    base.begin(Run::ONCE | Run::NONBLOCK);
    assert_eq!(iterate(&mut base, &mut app, 6), Wait::Not);
    assert_eq!(iterate(&mut base, &mut app, 6), Wait::Ended(End::Done), "not even one is due");
    base.event(event).unwrap().free();
    base.begin(Run::ONCE | Run::NONBLOCK);
    assert_eq!(iterate(&mut base, &mut app, 6), Wait::Ended(End::Empty), "nothing could ever be");
}

#[test]
fn nonblock_does_not_end_while_a_callback_is_due() {
    let (mut base, mut app) = (base(), App::default());
    let event = timer(&mut base, Mode::Persist, 1);
    base.event(event).unwrap().add(Some(ms(5))).unwrap();
    base.begin(Run::NONBLOCK);
    assert_eq!(iterate(&mut base, &mut app, 2), Wait::Not);
    activate(&mut base, event);
    assert_eq!(iterate(&mut base, &mut app, 2), Wait::Not, "the last poll found nothing");
    assert_eq!(iterate(&mut base, &mut app, 2), Wait::Not);
    assert_eq!(iterate(&mut base, &mut app, 2), Wait::Ended(End::Done));
    assert_eq!(app.take(), [1]);
}

#[test]
fn no_exit_on_empty_waits_although_the_base_is_empty() {
    let (mut base, mut app) = (base(), App::default());
    base.begin(Run::NO_EXIT_ON_EMPTY);
    assert_eq!(iterate(&mut base, &mut app, 1), Wait::Forever);
    base.exit();
    assert_eq!(iterate(&mut base, &mut app, 1), Wait::Not);
    assert_eq!(iterate(&mut base, &mut app, 1), Wait::Ended(End::Exit));
}

#[test]
fn the_loop_returns_why_it_ended_until_it_begins_again() {
    let (mut base, mut app) = (base(), App::default());
    app.react = Some(|_, cx, _| {
        assert!(!cx.got_exit() && !cx.got_break());
        cx.exit();
        assert!(cx.got_exit());
    });
    let event = timer(&mut base, Mode::OneShot, 1);
    activate(&mut base, event);
    let _ = iterate(&mut base, &mut app, 1);
    assert_eq!(iterate(&mut base, &mut app, 1), Wait::Ended(End::Exit));
    assert_eq!((base.got_exit(), base.got_break()), (true, false));
    base.begin(Run::DEFAULT);
    assert!(!base.got_exit());
    base.loop_break();
    assert_eq!(iterate(&mut base, &mut app, 1), Wait::Ended(End::Break));
    assert_eq!((base.got_exit(), base.got_break()), (false, true));
}
