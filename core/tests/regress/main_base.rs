//! Making and freeing bases and events.

use picoevent::{
    Action, AddError, End, Event, EventFlags, Mode, OnceError, Priority, Run, Signal, StaleError,
};

use crate::script::app::{add, pending, timer, waiting};
use crate::script::stream::pair;
use crate::script::{App, TestStorage, at, begin, ms, storage};

/// libevent has several back ends, and selects one by its features. Here there is one back end. This back end gets
/// every interest, including `EDGE` for edge-triggered events.
#[test]
fn base_features() {
    let mut storage = storage();
    let (mut base, mut script, _) = begin(&mut storage);
    let (ours, _theirs) = pair();
    let source = script.watch(&mut base, &ours);
    let interest = EventFlags::READ | EventFlags::CLOSED | EventFlags::EDGE;
    waiting(&mut base, source, interest, Mode::Persist, 1, App::record);
    base.settle(&mut script).unwrap();
    assert_eq!(script.actions, [Action::Interest(source, interest)]);
}

#[test]
fn event_base_new() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let (ours, theirs) = pair();
    let source = script.watch(&mut base, &ours);
    app.ends = vec![ours];
    waiting(&mut base, source, EventFlags::READ, Mode::Persist, 1, |app, event| {
        app.record(event);
        match app.ends[0].read(256).unwrap().as_slice() {
            [] => event.exit(),
            bytes => app.data[0].extend(bytes),
        }
    });
    theirs.write(b"this is a test");
    theirs.finish();
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Exit);
    assert_eq!(app.data[0], b"this is a test");
    assert_eq!(app.whats(), [EventFlags::READ, EventFlags::READ]);
}

/// Nothing is allocated, so nothing must be freed. When a base is dropped, its pending and active events are gone. The
/// next base with the same storage does not have these events.
#[test]
fn free_active_base() {
    let mut storage = storage();
    let old: Event;
    {
        let (mut base, mut script, _) = begin(&mut storage);
        let (ours, _theirs) = pair();
        let source = script.watch(&mut base, &ours);
        old = waiting(&mut base, source, EventFlags::READ, Mode::Persist, 1, App::record);
    }
    {
        let (mut base, mut script, _) = begin(&mut storage);
        assert_eq!(base.event(old).map(|_| ()), Err(StaleError));
        let (ours, _theirs) = pair();
        let source = script.watch(&mut base, &ours);
        let active = waiting(&mut base, source, EventFlags::READ, Mode::OneShot, 1, App::record);
        base.event(active).unwrap().activate(EventFlags::READ);
    }
    let (mut base, mut script, mut app) = begin(&mut storage);
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
    assert_eq!((app.calls.len(), base.counts().events), (0, 0));
}

#[test]
fn event_new_selfarg() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let event =
        base.new_timer(Mode::OneShot, |app: &mut App, event| app.events.push(event.id())).unwrap();
    base.event(event).unwrap().activate(EventFlags::READ);
    script.run(&mut base, &mut app, Run::DEFAULT);
    assert_eq!(app.events, [event], "a callback gets the event it is called for");
}

/// libevent's test calls `event_assign` several times for the same memory. Here a second event gets the slot of a freed
/// event, and its callback gets the handle of the second event.
#[test]
fn event_assign_selfarg() {
    let mut storage = Box::new(TestStorage::<1>::new());
    let (mut base, mut script, mut app) = begin(&mut storage);
    let old = base.new_timer(Mode::OneShot, App::record).unwrap();
    base.event(old).unwrap().free();
    let new =
        base.new_timer(Mode::OneShot, |app: &mut App, event| app.events.push(event.id())).unwrap();
    base.event(new).unwrap().activate(EventFlags::READ);
    script.run(&mut base, &mut app, Run::DEFAULT);
    assert_eq!(old.index(), new.index());
    assert!(app.events == [new] && old != new);
}

#[test]
fn evmap_invalid_slots() {
    for number in [0, 32, 64, u8::MAX] {
        assert_eq!(Signal::new(number), None);
    }
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let (ours, _theirs) = pair();
    let source = script.watch(&mut base, &ours);
    let event = base.new_event(source, EventFlags::READ, Mode::Persist, App::record).unwrap();
    base.forget_source(source).unwrap();
    base.settle(&mut script).unwrap();
    assert_eq!(base.event(event).unwrap().add(None), Err(AddError::SourceClosed));
    assert_eq!(base.event(event).unwrap().add(Some(ms(1))), Err(AddError::SourceClosed));
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
}

/// Signals and sources have different types. If the interest in a source contains `SIGNAL`, this bit is ignored.
#[test]
fn bad_assign() {
    let mut storage = storage();
    let (mut base, mut script, _) = begin(&mut storage);
    let (ours, _theirs) = pair();
    let source = script.watch(&mut base, &ours);
    let both = EventFlags::SIGNAL | EventFlags::READ;
    let event = waiting(&mut base, source, both, Mode::Persist, 1, App::record);
    assert_eq!(pending(&mut base, event), EventFlags::READ);
    let once = base.once(source, EventFlags::SIGNAL, None, App::record);
    assert_eq!(once, Err(OnceError::NoInterest));
}

/// A loop inside a loop does not compile, because a callback gets a `Cx`, and only an `EventBase` can run a loop. The
/// documentation of `Cx` has an example that must not compile. So this test only checks that the outer loop ends as in
/// libevent's test.
#[test]
fn bad_reentrant() {
    let mut storage = storage();
    let (mut base, mut script, mut app) = begin(&mut storage);
    let event = timer(&mut base, Mode::OneShot, 1, App::record);
    base.event(event).unwrap().activate(EventFlags::READ);
    assert_eq!(script.run(&mut base, &mut app, Run::DEFAULT), End::Empty);
    assert_eq!(app.users(), [1]);
}

/// The getters of an event: the flags for which it is pending, its priority, its data word and its deadline. There are
/// no getters for the arguments with which the event was made.
#[test]
fn get_assignment() {
    let mut storage = storage();
    let (mut base, mut script, _) = begin(&mut storage);
    let (ours, _theirs) = pair();
    let source = script.watch(&mut base, &ours);
    let event = waiting(&mut base, source, EventFlags::READ, Mode::Persist, 42, App::record);
    add(&mut base, event, 5);
    base.event(event).unwrap().set_priority(Priority::HIGHEST).unwrap();
    let event = base.event(event).unwrap();
    assert_eq!((event.user(), event.priority()), (42, Priority::HIGHEST));
    assert_eq!(event.pending(), EventFlags::READ | EventFlags::TIMEOUT);
    assert_eq!((event.deadline(), event.remaining()), (Some(at(5)), Some(ms(5))));
}
