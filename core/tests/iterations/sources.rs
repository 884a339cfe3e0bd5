//! Events of sources: events that are freed after one call (`once`), edge-triggered events, and readiness that must be
//! reported again.

use std::net::SocketAddr;
use std::time::Duration;

use picoevent::{
    AddError, EventBase, EventFlags, FullError, Mode, OnceError, Pool, Settings, Storage, Wait,
};

use crate::{App, activate, base, iterate, ms, timer};

#[test]
fn a_source_of_another_base_is_refused() {
    let source = base().new_source().unwrap();
    let mut base = base();
    let event = base.new_event(source, EventFlags::READ, Mode::OneShot, App::record).unwrap();
    assert_eq!(base.event(event).unwrap().add(None), Err(AddError::SourceClosed));
    assert_eq!(base.counts().added, 0);
}

#[test]
fn once_events_wait_for_a_source_and_are_freed() {
    let (mut base, mut app) = (base(), App::default());
    let source = base.new_source().unwrap();
    assert_eq!(
        base.once(source, EventFlags::SIGNAL, None, App::record),
        Err(OnceError::NoInterest)
    );
    assert_eq!(base.once(source, EventFlags::NONE, None, App::record), Err(OnceError::NoInterest));
    let event = base.once(source, EventFlags::READ, Some(ms(5)), App::record).unwrap();
    base.event(event).unwrap().set_user(1);
    base.ready(source, EventFlags::READ);
    let _ = iterate(&mut base, &mut app, 1);
    assert_eq!((app.take(), base.event(event).is_err(), base.deadline()), (vec![1], true, None));
    let event = base.once(source, EventFlags::WRITE, Some(ms(5)), App::record).unwrap();
    let _ = iterate(&mut base, &mut app, 6);
    assert_eq!((app.take().len(), base.event(event).is_err()), (1, true));
    base.forget_source(source).unwrap();
    let gone = base.once(source, EventFlags::READ, None, App::record);
    assert_eq!(gone, Err(OnceError::Add(AddError::SourceClosed)));
    for _ in 0..8 {
        timer(&mut base, Mode::OneShot, 1);
    }
    let full = base.once(source, EventFlags::READ, None, App::record);
    assert_eq!(full, Err(OnceError::Full(FullError::Events)), "a refused one holds no slot");
}

#[test]
fn a_once_event_that_adds_itself_again_is_not_freed() {
    let (mut base, mut app) = (base(), App::default());
    let event = base.after(ms(1), App::record).unwrap();
    base.event(event).unwrap().set_user(1);
    app.events.push(event);
    app.react = Some(|app, cx, _| {
        if app.calls.len() < 3 {
            cx.event(app.events[0]).unwrap().add(Some(ms(1))).unwrap();
        }
    });
    for now in 1..=9 {
        let _ = iterate(&mut base, &mut app, now);
    }
    assert_eq!((app.take(), base.event(event).is_err()), (vec![1, 1, 1], true));
}

#[test]
fn after_without_a_delay_is_due_at_once_behind_other_due_events() {
    let (mut base, mut app) = (base(), App::default());
    let first = timer(&mut base, Mode::OneShot, 1);
    activate(&mut base, first);
    let second = base.after(Duration::ZERO, App::record).unwrap();
    base.event(second).unwrap().set_user(2);
    assert_eq!(iterate(&mut base, &mut app, 1), Wait::Not);
    assert_eq!(app.take(), [1, 2]);
    assert!(base.event(second).is_err(), "its slot is free again");
}

#[test]
fn edge_triggered_events_report_changes_only() {
    let (mut base, mut app) = (base(), App::default());
    let source = base.new_source().unwrap();
    let interest = EventFlags::READ | EventFlags::EDGE;
    let edge = base.new_event(source, interest, Mode::Persist, App::record).unwrap();
    let level = base.new_event(source, EventFlags::READ, Mode::Persist, App::record).unwrap();
    base.event(edge).unwrap().add(None).unwrap();
    let requested = picoevent::Action::Interest(source, interest);
    assert_eq!(base.next_action(), Some(requested));
    assert_eq!(base.event(level).unwrap().add(None), Err(AddError::MixedEdge));
    assert_eq!(base.event(level).unwrap().pending(), EventFlags::NONE);
    base.ready(source, EventFlags::READ);
    assert_eq!(base.event(edge).unwrap().pending(), interest);
    base.dispatch(&mut app);
    assert_eq!((app.take().len(), base.next_action()), (1, None), "no new check is requested");
    base.event(edge).unwrap().del();
    base.event(level).unwrap().add(None).unwrap();
    assert_eq!(base.event(edge).unwrap().add(None), Err(AddError::MixedEdge));
}

#[test]
fn a_new_event_gets_readiness_that_was_reported_before() {
    let (mut base, mut app) = (base(), App::default());
    let source = base.new_source().unwrap();
    for user in 1..=2 {
        let event = base.new_event(source, EventFlags::READ, Mode::Persist, App::record).unwrap();
        base.event(event).unwrap().set_user(user).add(None).unwrap();
        let requested = picoevent::Action::Interest(source, EventFlags::READ);
        assert_eq!(base.next_action(), Some(requested), "event {user}");
        base.ready(source, EventFlags::READ);
    }
    base.dispatch(&mut app);
    assert_eq!(app.take(), [1, 2]);
}

#[test]
fn a_new_timeout_loses_no_readiness() {
    let (mut base, mut app) = (base(), App::default());
    let source = base.new_source().unwrap();
    let event = base.new_event(source, EventFlags::READ, Mode::Persist, App::record).unwrap();
    base.event(event).unwrap().add(Some(ms(5))).unwrap();
    while base.next_action().is_some() {}
    base.ready(source, EventFlags::READ);
    base.event(event).unwrap().activate(EventFlags::TIMEOUT);
    base.event(event).unwrap().add(Some(ms(5))).unwrap();
    base.dispatch(&mut app);
    assert_eq!(app.take(), [], "the callback for the old timeout is cancelled");
    let requested = picoevent::Action::Interest(source, EventFlags::READ);
    assert_eq!(base.next_action(), Some(requested), "and a new check of the source is requested");
}

static SETTINGS: Settings = Settings::new();

#[test]
fn connections_and_listeners_are_listed_until_they_are_freed() {
    let mut storage = Storage::<App, 1, 2, 32, 2, 1, 1>::new();
    let mut base = EventBase::new(&mut storage);
    let address = SocketAddr::from(([10, 0, 0, 2], 9995));
    let pool = base.add_pool(Pool::rest().rings(8, 8)).unwrap();
    let [first, second] =
        [(); 2].map(|()| base.listen_with(address, pool, &SETTINGS, |_, _, _| ()).unwrap());
    let (one, two) = (base.accepted(first, address), base.accepted(first, address));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(base.conns().count(), 0, "the application has not been given them");
    base.dispatch(&mut App::default());
    assert_eq!(base.listeners().collect::<Vec<_>>(), [first, second]);
    assert_eq!(base.conns().collect::<Vec<_>>(), [one, two]);
    base.listener(first).unwrap().free();
    base.conn(one).unwrap().close();
    assert_eq!(base.listeners().collect::<Vec<_>>(), [second]);
    assert_eq!(base.conns().collect::<Vec<_>>(), [two]);
}
