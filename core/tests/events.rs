//! The rules of events, by libevent's names for them: add, delete, activate, persistent, signals.

mod clock;

use std::task::Poll;
use std::time::Duration;

use picoevent::{
    AddError, Cx, Event, EventBase, EventFlags, EventMut, FullError, Instant, Mode, Pool, Priority,
    Run, Settings, SetupError, Signal, Source, StaleError, StillActiveError, Storage,
};

use clock::Clock;

/// An application that writes down which event was called with what, and may react.
#[derive(Default)]
struct Trace {
    calls: Vec<(u32, EventFlags)>,
    react: Option<fn(&mut Cx<Trace>, Event)>,
    target: Option<Event>,
}

impl Trace {
    fn note(&mut self, event: &mut EventMut<Self>) {
        let user = event.user();
        self.calls.push((user, event.what()));
        if let Some(react) = self.react {
            let target = self.target.unwrap_or(event.id());
            react(event.cx(), target);
        }
    }

    fn calls(&mut self) -> Vec<(u32, EventFlags)> {
        std::mem::take(&mut self.calls)
    }
}

type Base<'s> = EventBase<'s, Trace>;

fn storage() -> Box<Storage<Trace, 8, 1, 16, 1, 1, 8>> {
    Box::new(Storage::new())
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn at(millis: u64) -> Instant {
    Instant::from_micros(millis * 1000)
}

/// Advances to `millis` and runs passes until nothing is due.
fn run_to(base: &mut Base, app: &mut Trace, millis: u64) -> Vec<(u32, EventFlags)> {
    let mut clock = Clock::at(at(millis));
    base.begin(Run::NONBLOCK);
    let turns = (0..100).map(|_| base.turn(app, &mut clock));
    let _ = turns.take_while(|turn| matches!(turn, Poll::Ready(Ok(None)))).count();
    app.calls()
}

fn timer(base: &mut Base, mode: Mode, user: u32) -> Event {
    let event = base.new_timer(mode, Trace::note).unwrap();
    base.event(event).unwrap().set_user(user);
    event
}

fn watch(base: &mut Base, source: Source, interest: EventFlags, mode: Mode, user: u32) -> Event {
    let event = base.new_event(source, interest, mode, Trace::note).unwrap();
    base.event(event).unwrap().set_user(user).add(None).unwrap();
    event
}

#[test]
fn a_timer_fires_once_and_not_early() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
    let event = timer(&mut base, Mode::OneShot, 1);
    base.event(event).unwrap().add(Some(ms(5))).unwrap();
    assert_eq!(base.deadline(), Some(at(5)));
    base.advance(Instant::from_micros(4_999));
    assert!(base.next().is_none());
    assert_eq!(run_to(&mut base, &mut app, 5), [(1, EventFlags::TIMEOUT)]);
    assert_eq!(base.event(event).unwrap().pending(), EventFlags::NONE);
    assert_eq!(run_to(&mut base, &mut app, 500), []);
}

#[test]
fn timers_with_equal_deadlines_fire_in_the_order_they_were_armed() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
    for user in 0..8 {
        let event = timer(&mut base, Mode::OneShot, user);
        base.event(event).unwrap().add(Some(ms(1))).unwrap();
    }
    let order: Vec<u32> = run_to(&mut base, &mut app, 1).iter().map(|call| call.0).collect();
    assert_eq!(order, [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn events_on_one_source_fire_in_the_order_they_were_added() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
    let source = base.new_source().unwrap();
    for user in 1..=3 {
        watch(&mut base, source, EventFlags::READ, Mode::Persist, user);
    }
    base.ready(source, EventFlags::READ);
    let order: Vec<u32> = run_to(&mut base, &mut app, 0).iter().map(|call| call.0).collect();
    assert_eq!(order, [1, 2, 3]);
}

#[test]
fn readiness_reaches_only_those_who_wait_for_it() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
    let (source, other) = (base.new_source().unwrap(), base.new_source().unwrap());
    watch(&mut base, source, EventFlags::READ, Mode::Persist, 1);
    watch(&mut base, source, EventFlags::WRITE | EventFlags::CLOSED, Mode::Persist, 2);
    watch(&mut base, other, EventFlags::READ, Mode::Persist, 3);
    base.ready(source, EventFlags::READ | EventFlags::CLOSED);
    assert_eq!(run_to(&mut base, &mut app, 0), [(1, EventFlags::READ), (2, EventFlags::CLOSED)]);
}

#[test]
fn ready_and_timed_out_in_one_pass_is_one_callback() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
    let source = base.new_source().unwrap();
    let event = watch(&mut base, source, EventFlags::READ, Mode::OneShot, 1);
    base.event(event).unwrap().add(Some(ms(3))).unwrap();
    base.ready(source, EventFlags::READ);
    assert_eq!(run_to(&mut base, &mut app, 3), [(1, EventFlags::READ | EventFlags::TIMEOUT)]);
}

#[test]
fn input_runs_before_timers_of_the_same_pass() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
    let early = timer(&mut base, Mode::OneShot, 1);
    base.event(early).unwrap().add(Some(ms(1))).unwrap();
    let source = base.new_source().unwrap();
    watch(&mut base, source, EventFlags::READ, Mode::OneShot, 2);
    base.ready(source, EventFlags::READ);
    assert_eq!(run_to(&mut base, &mut app, 1), [(2, EventFlags::READ), (1, EventFlags::TIMEOUT)]);
}

#[test]
fn a_persistent_timer_keeps_its_period_and_leaves_missed_ones_out() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
    base.every(ms(10), Trace::note).unwrap();
    assert_eq!(run_to(&mut base, &mut app, 12).len(), 1);
    assert_eq!(base.deadline(), Some(at(20)), "the period counts from the deadline, not from now");
    assert_eq!(run_to(&mut base, &mut app, 65).len(), 1, "no burst for what was missed");
    assert_eq!(base.deadline(), Some(at(75)));
}

#[test]
fn an_interval_of_zero_fires_once_a_pass() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
    base.every(Duration::ZERO, Trace::note).unwrap();
    for _ in 0..3 {
        base.advance(at(0));
        base.dispatch(&mut app);
        assert_eq!(app.calls().len(), 1);
    }
}

#[test]
fn readiness_starts_a_persistent_timeout_again() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
    let source = base.new_source().unwrap();
    let event = watch(&mut base, source, EventFlags::READ, Mode::Persist, 1);
    base.event(event).unwrap().add(Some(ms(10))).unwrap();
    base.ready(source, EventFlags::READ);
    assert_eq!(run_to(&mut base, &mut app, 6), [(1, EventFlags::READ)]);
    assert_eq!(base.event(event).unwrap().deadline(), Some(at(16)));
    assert_eq!(base.event(event).unwrap().pending(), EventFlags::READ | EventFlags::TIMEOUT);
}

#[test]
fn a_persistent_event_is_armed_again_before_its_callback() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
    base.every(ms(10), Trace::note).unwrap();
    app.react = Some(|cx, event| {
        let mut event = cx.event(event).unwrap();
        assert_eq!(event.pending(), EventFlags::TIMEOUT);
        event.add(Some(ms(3))).unwrap();
    });
    run_to(&mut base, &mut app, 10);
    assert_eq!(base.deadline(), Some(at(13)), "what the callback adds counts");
}

#[test]
fn add_without_a_timeout_keeps_the_deadline_and_revives_no_interval() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
    let source = base.new_source().unwrap();
    let event = watch(&mut base, source, EventFlags::READ, Mode::Persist, 1);
    base.event(event).unwrap().add(Some(ms(20))).unwrap();
    base.event(event).unwrap().add(None).unwrap();
    assert_eq!(base.event(event).unwrap().deadline(), Some(at(20)));
    base.event(event).unwrap().del();
    base.event(event).unwrap().add(None).unwrap();
    base.ready(source, EventFlags::READ);
    assert_eq!(run_to(&mut base, &mut app, 1), [(1, EventFlags::READ)]);
    assert_eq!(base.event(event).unwrap().deadline(), None, "the interval went with the delete");
}

#[test]
fn removing_the_timeout_keeps_the_interest() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
    let source = base.new_source().unwrap();
    let event = watch(&mut base, source, EventFlags::READ, Mode::Persist, 1);
    base.event(event).unwrap().add(Some(ms(20))).unwrap();
    base.event(event).unwrap().remove_timeout();
    assert_eq!(run_to(&mut base, &mut app, 30), []);
    base.ready(source, EventFlags::READ);
    assert_eq!(run_to(&mut base, &mut app, 30), [(1, EventFlags::READ)]);
    assert_eq!(base.deadline(), None);
}

#[test]
fn adding_an_active_event_does_not_lose_its_interest() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
    let source = base.new_source().unwrap();
    let event = base.new_event(source, EventFlags::READ, Mode::Persist, Trace::note).unwrap();
    base.event(event).unwrap().activate(EventFlags::READ);
    base.event(event).unwrap().add(None).unwrap();
    run_to(&mut base, &mut app, 0);
    base.ready(source, EventFlags::READ);
    assert_eq!(run_to(&mut base, &mut app, 0).len(), 1);
}

#[test]
fn a_new_timeout_takes_back_an_expiry_that_is_due() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
    for user in 1..=2 {
        let event = timer(&mut base, Mode::OneShot, user);
        base.event(event).unwrap().add(Some(ms(5))).unwrap();
        app.target = Some(event);
    }
    app.react = Some(|cx, last| {
        let mut last = cx.event(last).unwrap();
        if last.pending() == EventFlags::TIMEOUT {
            last.add(Some(ms(5))).unwrap();
        }
    });
    assert_eq!(run_to(&mut base, &mut app, 5), [(1, EventFlags::TIMEOUT)]);
    assert_eq!(run_to(&mut base, &mut app, 10), [(2, EventFlags::TIMEOUT)]);
}

#[test]
fn delete_cancels_what_is_due() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
    let (a, b) = (timer(&mut base, Mode::OneShot, 1), timer(&mut base, Mode::OneShot, 2));
    base.event(a).unwrap().activate(EventFlags::READ);
    base.event(b).unwrap().activate(EventFlags::READ);
    app.target = Some(b);
    app.react = Some(|cx, other| cx.event(other).unwrap().del());
    assert_eq!(run_to(&mut base, &mut app, 0), [(1, EventFlags::READ)]);
}

#[test]
fn a_one_shot_is_not_pending_in_its_callback() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
    let source = base.new_source().unwrap();
    let event = watch(&mut base, source, EventFlags::READ, Mode::OneShot, 1);
    base.event(event).unwrap().add(Some(ms(50))).unwrap();
    app.react = Some(|cx, event| assert_eq!(cx.event(event).unwrap().pending(), EventFlags::NONE));
    base.ready(source, EventFlags::READ);
    assert_eq!(run_to(&mut base, &mut app, 0).len(), 1);
    assert_eq!(base.deadline(), None, "readiness cancels the timeout");
    base.ready(source, EventFlags::READ);
    assert_eq!(run_to(&mut base, &mut app, 60), [], "and one shot is one shot");
}

#[test]
fn a_one_shot_that_timed_out_waits_for_its_source_no_more() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
    let source = base.new_source().unwrap();
    let event = watch(&mut base, source, EventFlags::READ, Mode::OneShot, 1);
    base.event(event).unwrap().add(Some(ms(5))).unwrap();
    // It is due but not called yet when its source becomes ready.
    let urgent = timer(&mut base, Mode::OneShot, 2);
    base.event(urgent).unwrap().set_priority(Priority::HIGHEST).unwrap();
    base.event(urgent).unwrap().add(Some(ms(5))).unwrap();
    base.advance(at(5));
    base.dispatch(&mut app);
    base.ready(source, EventFlags::READ);
    let calls = [(2, EventFlags::TIMEOUT), (1, EventFlags::TIMEOUT)];
    assert_eq!(run_to(&mut base, &mut app, 5), calls);
}

#[test]
fn activation_merges_flags_and_keeps_the_place() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
    let (a, b) = (timer(&mut base, Mode::OneShot, 1), timer(&mut base, Mode::OneShot, 2));
    base.event(a).unwrap().activate(EventFlags::READ);
    base.event(b).unwrap().activate(EventFlags::READ);
    base.event(a).unwrap().activate(EventFlags::WRITE);
    assert_eq!(base.event(a).unwrap().pending(), EventFlags::READ | EventFlags::WRITE);
    let calls = run_to(&mut base, &mut app, 0);
    assert_eq!(calls, [(1, EventFlags::READ | EventFlags::WRITE), (2, EventFlags::READ)]);
}

#[test]
fn self_activation_runs_once_a_pass_and_lets_timers_through() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
    let event = timer(&mut base, Mode::OneShot, 1);
    let other = timer(&mut base, Mode::OneShot, 2);
    base.event(event).unwrap().activate(EventFlags::READ);
    base.event(other).unwrap().add(Some(ms(1))).unwrap();
    app.target = Some(event);
    app.react = Some(|cx, event| cx.event(event).unwrap().activate(EventFlags::READ));
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [(1, EventFlags::READ)]);
    base.advance(at(1));
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [(1, EventFlags::READ), (2, EventFlags::TIMEOUT)]);
}

#[test]
fn making_events_in_callbacks_does_not_keep_a_pass_going() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
    let event = timer(&mut base, Mode::OneShot, 0);
    base.event(event).unwrap().activate(EventFlags::READ);
    app.react = Some(|cx, event| {
        cx.event(event).unwrap().free();
        let next = cx.new_timer(Mode::OneShot, Trace::note).unwrap();
        cx.event(next).unwrap().activate(EventFlags::READ);
    });
    let mut turns = 0;
    while let Some(fired) = base.next() {
        fired.call(&mut app, &mut base);
        turns += 1;
        assert!(turns <= 8, "each of the eight slots has one turn a pass");
    }
    assert!(base.next().is_some(), "and the work goes on in the next");
}

#[test]
fn priorities_are_strict_one_level_a_pass() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
    let low = timer(&mut base, Mode::OneShot, 1);
    let high = timer(&mut base, Mode::OneShot, 2);
    base.event(low).unwrap().set_priority(Priority::LOWEST).unwrap();
    base.event(high).unwrap().set_priority(Priority::HIGHEST).unwrap();
    for event in [low, high] {
        base.event(event).unwrap().activate(EventFlags::READ);
    }
    assert_eq!(base.event(low).unwrap().set_priority(Priority::HIGHEST), Err(StillActiveError));
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [(2, EventFlags::READ)]);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [(1, EventFlags::READ)]);
}

#[test]
fn something_more_urgent_ends_the_pass() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
    let urgent = timer(&mut base, Mode::OneShot, 9);
    base.event(urgent).unwrap().set_priority(Priority::HIGHEST).unwrap();
    for user in [1, 2] {
        let event = timer(&mut base, Mode::OneShot, user);
        base.event(event).unwrap().activate(EventFlags::READ);
    }
    app.target = Some(urgent);
    app.react = Some(|cx, urgent| {
        let mut urgent = cx.event(urgent).unwrap();
        if urgent.user() == 9 {
            urgent.set_user(10).activate(EventFlags::READ);
        }
    });
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [(1, EventFlags::READ)]);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [(10, EventFlags::READ)]);
    base.dispatch(&mut app);
    assert_eq!(app.calls(), [(2, EventFlags::READ)]);
}

#[test]
fn a_signal_calls_once_for_each_raise() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
    base.on_signal(Signal::USR1, Trace::note).unwrap();
    base.on_signal(Signal::USR2, Trace::note).unwrap();
    base.raised(Signal::USR1, 2);
    base.raised(Signal::USR1, 1);
    assert_eq!(run_to(&mut base, &mut app, 0), [(0, EventFlags::SIGNAL); 3]);
    base.raised(Signal::TERM, 3);
    base.raised(Signal::USR1, 0);
    assert_eq!(run_to(&mut base, &mut app, 0), []);
}

#[test]
fn deleting_a_signal_event_in_its_callback_stops_the_repeats() {
    for free in [false, true] {
        let (mut storage, mut app) = (storage(), Trace::default());
        let mut base = EventBase::new(&mut storage);
        base.on_signal(Signal::USR1, Trace::note).unwrap();
        base.raised(Signal::USR1, 5);
        app.react = Some(if free {
            |cx, event| cx.event(event).unwrap().free()
        } else {
            |cx, event| cx.event(event).unwrap().del()
        });
        assert_eq!(run_to(&mut base, &mut app, 0).len(), 1);
    }
}

#[test]
fn raises_saturate() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
    base.on_signal(Signal::USR1, Trace::note).unwrap();
    base.raised(Signal::USR1, u16::MAX);
    base.raised(Signal::USR1, u16::MAX);
    assert_eq!(run_to(&mut base, &mut app, 0).len(), usize::from(u16::MAX));
}

#[test]
fn a_callback_frees_itself_and_another() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
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
fn a_stale_handle_does_not_reach_the_next_tenant() {
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
fn a_once_event_gives_its_slot_back_and_can_be_cancelled() {
    let mut storage = Box::new(Storage::<Trace, 1, 0, 0, 0, 0, 1>::new());
    let (mut base, mut app) = (EventBase::new(&mut storage), Trace::default());
    for _ in 0..3 {
        let event = base.after(Duration::ZERO, Trace::note).unwrap();
        assert_eq!(run_to(&mut base, &mut app, 0), [(0, EventFlags::TIMEOUT)]);
        assert_eq!(base.event(event).map(|_| ()), Err(StaleError));
    }
    let event = base.after(ms(5), Trace::note).unwrap();
    base.event(event).unwrap().free();
    assert_eq!(run_to(&mut base, &mut app, 10), []);
}

static SETTINGS: Settings = Settings::new();

#[test]
fn full_tables_say_which_and_lose_nothing() {
    let mut storage = Box::new(Storage::<Trace, 2, 0, 0, 1, 1, 2>::new());
    let (mut base, mut app) = (EventBase::new(&mut storage), Trace::default());
    let address = "127.0.0.1:0".parse().unwrap();
    base.every(ms(1), Trace::note).unwrap();
    base.every(ms(1), Trace::note).unwrap();
    assert_eq!(base.after(ms(1), Trace::note), Err(FullError::Events));
    assert_eq!(base.on_signal(Signal::INT, Trace::note), Err(FullError::Events));
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
    assert_eq!(run_to(&mut base, &mut app, 1).len(), 2, "what is held still works");
    assert_eq!(
        FullError::Events.to_string(),
        "the event table is full: raise EVENTS of the storage"
    );
}

#[test]
fn a_forgotten_source_refuses_its_events() {
    let (mut storage, mut app) = (storage(), Trace::default());
    let mut base = EventBase::new(&mut storage);
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
