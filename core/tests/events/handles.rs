//! Freed events, stale handles and full tables.

use std::time::Duration;

use picoevent::{
    AddError, EventBase, EventFlags, FullError, Mode, Pool, Settings, SetupError, Signal,
    StaleError, Storage,
};

use crate::{Trace, base, ms, run_to, timer, watch};

static SETTINGS: Settings = Settings::new();

#[test]
fn a_callback_frees_itself_and_another() {
    let (mut base, mut app) = (base(), Trace::default());
    let (a, b) = (timer(&mut base, Mode::Persist, 1), timer(&mut base, Mode::Persist, 2));
    base.event(a).unwrap().activate(EventFlags::READ);
    base.event(b).unwrap().activate(EventFlags::READ);
    app.target = Some(b);
    app.react = Some(|cx, other| cx.event(other).unwrap().free());
    run_to(&mut base, &mut app, 0);
    assert_eq!(base.event(b).map(|_| ()), Err(StaleError));
    app.target = None;
    base.event(a).unwrap().activate(EventFlags::READ);
    run_to(&mut base, &mut app, 0);
    assert_eq!(base.event(a).map(|_| ()), Err(StaleError));
}

#[test]
fn a_stale_handle_does_not_reach_the_next_object_in_its_slot() {
    let mut storage = Box::new(Storage::<Trace, 1, 0, 0, 0, 0, 1>::new());
    let mut base = EventBase::new(&mut storage);
    let old = timer(&mut base, Mode::OneShot, 1);
    base.event(old).unwrap().free();
    let new = timer(&mut base, Mode::OneShot, 2);
    assert_eq!(old.index(), new.index());
    assert_eq!(base.event(old).map(|_| ()), Err(StaleError));
    assert_eq!(base.event(new).unwrap().user(), 2);
}

#[test]
fn a_once_event_frees_its_slot_and_can_be_cancelled() {
    let mut storage = Box::new(Storage::<Trace, 1, 0, 0, 0, 0, 1>::new());
    let (mut base, mut app) = (EventBase::new(&mut storage), Trace::default());
    for _ in 0..3 {
        let event = base.after(Duration::ZERO, Trace::record).unwrap();
        assert_eq!(run_to(&mut base, &mut app, 0), [(0, EventFlags::TIMEOUT)]);
        assert_eq!(base.event(event).map(|_| ()), Err(StaleError));
    }
    let event = base.after(ms(5), Trace::record).unwrap();
    base.event(event).unwrap().free();
    assert_eq!(run_to(&mut base, &mut app, 10), []);
}

#[test]
fn an_error_says_which_table_is_full_and_nothing_is_lost() {
    let mut storage = Box::new(Storage::<Trace, 2, 0, 0, 1, 1, 2>::new());
    let (mut base, mut app) = (EventBase::new(&mut storage), Trace::default());
    let address = "127.0.0.1:0".parse().unwrap();
    base.every(ms(1), Trace::record).unwrap();
    base.every(ms(1), Trace::record).unwrap();
    assert_eq!(base.after(ms(1), Trace::record), Err(FullError::Events));
    assert_eq!(base.on_signal(Signal::INT, Trace::record), Err(FullError::Events));
    let pool = base.add_pool(Pool::new(0)).unwrap();
    assert_eq!(base.add_pool(Pool::new(0)), Err(SetupError::Pools));
    let connected = base.connect_with(address, pool, &SETTINGS, |_, _, _| {});
    assert_eq!(connected, Err(SetupError::PoolFull));
    base.listen_with(address, pool, &SETTINGS, |_, _, _| {}).unwrap();
    let listens = base.listen_with(address, pool, &SETTINGS, |_, _, _| {});
    assert_eq!(listens, Err(SetupError::Full(FullError::Listeners)));
    base.new_source().unwrap();
    base.new_source().unwrap();
    assert_eq!(base.new_source(), Err(FullError::Sources));
    assert_eq!(run_to(&mut base, &mut app, 1).len(), 2, "the existing events still work");
    assert_eq!(
        FullError::Events.to_string(),
        "the event table is full: raise EVENTS of the storage"
    );
}

#[test]
fn a_forgotten_source_refuses_its_events() {
    let (mut base, mut app) = (base(), Trace::default());
    let source = base.new_source().unwrap();
    let event = watch(&mut base, source, EventFlags::READ, Mode::Persist, 1);
    base.ready(source, EventFlags::READ);
    base.forget_source(source).unwrap();
    assert_eq!(base.forget_source(source), Err(StaleError));
    assert_eq!(base.event(event).unwrap().add(None), Err(AddError::SourceClosed));
    assert_eq!(run_to(&mut base, &mut app, 0), [], "what was due is cancelled");
    assert_eq!(base.forget_source(source), Err(StaleError));
    assert_eq!(base.event(event).unwrap().add(Some(ms(1))), Err(AddError::SourceClosed));
    assert_eq!(base.deadline(), None, "a refused add changes nothing");
    base.ready(source, EventFlags::READ);
    assert_eq!(run_to(&mut base, &mut app, 0), []);
}
