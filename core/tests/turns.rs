//! What a turn of the loop is made of: watchers, run modes, dispatch limits, common timeouts,
//! counts, and looking at a base.

use std::net::SocketAddr;
use std::time::Duration;

use picoevent::{
    AddError, Cx, DispatchLimit, End, Event, EventBase, Full, Instant, Mode, OnceError, Priority,
    Run, Signal, Storage, Wait, What,
};

/// Calls, by the user words of their events.
#[derive(Default)]
struct App {
    calls: Vec<u32>,
    waits: Vec<Option<Duration>>,
    react: Option<fn(&mut App, &mut Cx<App>, u32)>,
    events: Vec<Event>,
}

impl App {
    fn note(&mut self, cx: &mut Cx<Self>, event: Event, _: What) {
        let user = cx.event(event).map_or(0, |event| event.user());
        self.calls.push(user);
        if let Some(react) = self.react {
            react(self, cx, user);
        }
    }

    fn about_to_wait(&mut self, cx: &mut Cx<Self>, _: Event, _: What) {
        self.waits.push(cx.wait_to_come());
    }

    fn take(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.calls)
    }
}

fn storage() -> Box<Storage<App, 8, 1, 8, 8, 1, 2>> {
    Box::new(Storage::new())
}

fn at(millis: u64) -> Instant {
    Instant::from_micros(millis * 1000)
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn timer(base: &mut EventBase<App>, mode: Mode, user: u32) -> Event {
    let event = base.new_timer(mode, App::note).unwrap();
    base.event(event).unwrap().set_user(user);
    event
}

fn activate(base: &mut EventBase<App>, event: Event) {
    base.event(event).unwrap().activate(What::READ);
}

/// One turn at `millis`, as a back end takes it.
fn turn(base: &mut EventBase<App>, app: &mut App, millis: u64) -> Wait {
    base.prepare(app);
    while base.next_action().is_some() {}
    let wait = base.wait();
    if !matches!(wait, Wait::Ended(_)) {
        base.advance(at(millis));
        base.dispatch(app);
    }
    wait
}

#[test]
fn watchers_run_around_the_wait_in_the_order_they_were_made() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let watchers = [
        base.on_check(App::note).unwrap(),
        base.on_prepare(App::note).unwrap(),
        base.on_prepare(App::note).unwrap(),
        base.on_check(App::note).unwrap(),
    ];
    for (user, watcher) in watchers.iter().enumerate() {
        base.event(*watcher).unwrap().set_user(user as u32 + 1);
    }
    let due = timer(&mut base, Mode::OneShot, 9);
    base.event(due).unwrap().add(Some(ms(5))).unwrap();
    assert_eq!(turn(&mut base, &mut app, 5), Wait::Until(at(5)));
    assert_eq!(app.take(), [2, 3, 1, 4, 9]);
    assert_eq!(turn(&mut base, &mut app, 5), Wait::Ended(End::Empty), "they keep no loop alive");
    assert_eq!(app.take(), [], "a loop that ends does not wait");
    assert_eq!((base.counts().added, base.counts().events), (0, 5));
}

#[test]
fn a_prepare_watcher_knows_the_wait_to_come() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    base.on_prepare(App::about_to_wait).unwrap();
    base.on_signal(Signal::INT, App::note).unwrap();
    let event = timer(&mut base, Mode::OneShot, 1);
    let _ = turn(&mut base, &mut app, 3);
    base.event(event).unwrap().add(Some(ms(7))).unwrap();
    let _ = turn(&mut base, &mut app, 4);
    activate(&mut base, event);
    let _ = turn(&mut base, &mut app, 5);
    assert_eq!(app.waits, [None, Some(ms(7)), Some(Duration::ZERO)]);
}

#[test]
fn a_watcher_frees_itself_and_others_in_its_callback() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    base.on_signal(Signal::INT, App::note).unwrap();
    for user in 0..4 {
        let watcher = base.on_check(App::note).unwrap();
        base.event(watcher).unwrap().set_user(user);
        app.events.push(watcher);
    }
    app.react = Some(|app, cx, user| {
        if user == 0 {
            cx.event(app.events[0]).unwrap().free();
            cx.event(app.events[1]).unwrap().free();
        }
    });
    let _ = turn(&mut base, &mut app, 1);
    assert_eq!(app.take(), [0, 2, 3]);
    let _ = turn(&mut base, &mut app, 1);
    assert_eq!(app.take(), [2, 3]);
}

#[test]
fn a_watcher_that_makes_watchers_does_not_keep_the_turn_going() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    base.on_signal(Signal::INT, App::note).unwrap();
    app.events.push(base.on_check(App::note).unwrap());
    app.react = Some(|app, cx, _| {
        cx.event(app.events[0]).unwrap().free();
        app.events[0] = cx.on_check(App::note).unwrap();
    });
    let _ = turn(&mut base, &mut app, 1);
    let _ = turn(&mut base, &mut app, 2);
    assert_eq!(app.calls.len(), 2);
}

#[test]
fn a_watcher_pauses_when_deleted_and_goes_on_when_added() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    base.on_signal(Signal::INT, App::note).unwrap();
    let watcher = base.on_prepare(App::note).unwrap();
    base.event(watcher).unwrap().del();
    let _ = turn(&mut base, &mut app, 1);
    assert_eq!(app.calls.len(), 0);
    base.event(watcher).unwrap().add(None).unwrap();
    let _ = turn(&mut base, &mut app, 1);
    assert_eq!(app.calls.len(), 1);
}

#[test]
fn what_a_prepare_watcher_activates_is_not_slept_through() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    base.on_signal(Signal::INT, App::note).unwrap();
    app.events.push(timer(&mut base, Mode::OneShot, 5));
    base.on_prepare(App::note).unwrap();
    app.react = Some(|app, cx, user| {
        if user == 0 {
            cx.event(app.events[0]).unwrap().activate(What::READ);
        }
    });
    assert_eq!(turn(&mut base, &mut app, 1), Wait::Not);
    assert_eq!(app.take(), [0, 5]);
}

#[test]
fn a_check_watcher_comes_before_the_timers() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    app.events.push(timer(&mut base, Mode::OneShot, 5));
    base.on_check(App::note).unwrap();
    let due = timer(&mut base, Mode::OneShot, 6);
    base.event(due).unwrap().add(Some(ms(1))).unwrap();
    app.react = Some(|app, cx, user| {
        if user == 0 {
            cx.event(app.events[0]).unwrap().activate(What::READ);
        }
    });
    let _ = turn(&mut base, &mut app, 1);
    assert_eq!(app.take(), [0, 5, 6], "what it activates is queued before them");
}

#[test]
fn once_ends_when_callbacks_have_run_and_none_is_due() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let events = [timer(&mut base, Mode::Persist, 1), timer(&mut base, Mode::Persist, 2)];
    base.event(events[1]).unwrap().set_priority(Priority::LOWEST).unwrap();
    base.event(events[0]).unwrap().add(Some(ms(5))).unwrap();
    base.event(events[1]).unwrap().add(Some(ms(5))).unwrap();
    base.begin(Run::ONCE);
    assert_eq!(turn(&mut base, &mut app, 2), Wait::Until(at(5)));
    assert_eq!(turn(&mut base, &mut app, 5), Wait::Until(at(5)), "no callback ran yet");
    assert_eq!(turn(&mut base, &mut app, 5), Wait::Not, "one is due still");
    assert_eq!(turn(&mut base, &mut app, 5), Wait::Ended(End::Done));
    assert_eq!(app.take(), [1, 2]);
    base.begin(Run::DEFAULT);
    assert_eq!(turn(&mut base, &mut app, 5), Wait::Until(at(10)), "the next run is another");
}

#[test]
fn nonblock_ends_when_a_look_finds_nothing() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let event = timer(&mut base, Mode::Persist, 1);
    base.event(event).unwrap().add(Some(ms(5))).unwrap();
    base.begin(Run::NONBLOCK);
    assert_eq!(turn(&mut base, &mut app, 5), Wait::Not, "it never waits");
    assert_eq!(turn(&mut base, &mut app, 5), Wait::Not);
    assert_eq!(turn(&mut base, &mut app, 5), Wait::Ended(End::Done));
    assert_eq!(app.take(), [1]);
    base.begin(Run::ONCE | Run::NONBLOCK);
    assert_eq!(turn(&mut base, &mut app, 6), Wait::Not);
    assert_eq!(turn(&mut base, &mut app, 6), Wait::Ended(End::Done), "not even one is due");
    base.event(event).unwrap().free();
    base.begin(Run::ONCE | Run::NONBLOCK);
    assert_eq!(turn(&mut base, &mut app, 6), Wait::Ended(End::Empty), "nothing could ever be");
}

#[test]
fn no_exit_on_empty_waits_for_what_others_may_raise() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    base.begin(Run::NO_EXIT_ON_EMPTY);
    assert_eq!(turn(&mut base, &mut app, 1), Wait::Forever);
    base.exit();
    assert_eq!(turn(&mut base, &mut app, 1), Wait::Not);
    assert_eq!(turn(&mut base, &mut app, 1), Wait::Ended(End::Exit));
}

#[test]
fn the_loop_answers_why_it_ends_until_it_begins_again() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    app.react = Some(|_, cx, _| {
        assert!(!cx.got_exit() && !cx.got_break());
        cx.exit();
        assert!(cx.got_exit());
    });
    let event = timer(&mut base, Mode::OneShot, 1);
    activate(&mut base, event);
    let _ = turn(&mut base, &mut app, 1);
    assert_eq!(turn(&mut base, &mut app, 1), Wait::Ended(End::Exit));
    assert_eq!((base.got_exit(), base.got_break()), (true, false));
    base.begin(Run::DEFAULT);
    assert!(!base.got_exit());
    base.break_off();
    assert_eq!(turn(&mut base, &mut app, 1), Wait::Ended(End::Break));
    assert_eq!((base.got_exit(), base.got_break()), (false, true));
}

#[test]
fn a_limit_of_callbacks_lets_the_loop_look_for_news() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let events: Vec<_> = (0..7).map(|user| timer(&mut base, Mode::OneShot, user)).collect();
    let limit = DispatchLimit { callbacks: Some(3), time: None, priority: Priority::DEFAULT };
    base.set_dispatch_limit(Some(limit));
    events.iter().for_each(|event| activate(&mut base, *event));
    let mut passes = Vec::new();
    while turn(&mut base, &mut app, 1) == Wait::Not {
        passes.push(app.take());
    }
    assert_eq!(passes, [vec![0, 1, 2], vec![3, 4, 5], vec![6]]);
    // What is more urgent than the limit's level is not bounded, and zero still lets one run.
    let urgent = Priority::new(3).unwrap();
    base.set_dispatch_limit(Some(DispatchLimit { callbacks: Some(0), ..limit }));
    for event in &events {
        base.event(*event).unwrap().set_priority(urgent).unwrap();
        activate(&mut base, *event);
    }
    let _ = turn(&mut base, &mut app, 1);
    assert_eq!(app.take().len(), 7);
    for event in &events[..2] {
        base.event(*event).unwrap().set_priority(Priority::LOWEST).unwrap();
        activate(&mut base, *event);
    }
    let _ = turn(&mut base, &mut app, 1);
    assert_eq!(app.take(), [0]);
}

#[test]
fn a_limit_of_time_is_looked_at_after_each_callback() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let time = Some(ms(10));
    let limit = DispatchLimit { callbacks: None, time, priority: Priority::HIGHEST };
    base.set_dispatch_limit(Some(limit));
    for user in 0..5 {
        let event = timer(&mut base, Mode::OneShot, user);
        activate(&mut base, event);
    }
    // Each callback takes 4 ms.
    let mut now = 100;
    base.advance(at(now));
    base.dispatch_with(&mut app, || {
        now += 4;
        at(now)
    });
    assert_eq!((app.take(), base.now()), (vec![0, 1, 2], at(112)));
    base.set_dispatch_limit(None);
    assert!(!base.wants_time());
    base.dispatch_with(&mut app, || unreachable!("no limit asks for the time"));
    assert_eq!(app.take(), [3, 4]);
}

#[test]
fn the_time_can_be_set_forward_within_a_pass() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    app.events.push(timer(&mut base, Mode::OneShot, 2));
    app.react = Some(|app, cx, _| {
        cx.update_now(at(50));
        cx.update_now(at(20));
        cx.event(app.events[0]).unwrap().add(Some(ms(5))).unwrap();
    });
    let event = timer(&mut base, Mode::OneShot, 1);
    activate(&mut base, event);
    let _ = turn(&mut base, &mut app, 10);
    assert_eq!(base.deadline(), Some(at(55)));
}

#[test]
fn common_timeouts_come_due_like_others() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let five = base.common_timeout(ms(5)).unwrap();
    assert_eq!(base.common_timeout(ms(5)), Ok(five), "one list for one duration");
    base.common_timeout(ms(9)).unwrap();
    assert_eq!(base.common_timeout(ms(7)), Err(Full::CommonTimeouts));
    let events: Vec<_> = (0..6).map(|user| timer(&mut base, Mode::OneShot, user)).collect();
    for (place, event) in events.iter().enumerate() {
        let mut event = base.event(*event).unwrap();
        match place {
            1 | 4 => event.add(Some(ms(5))).unwrap(),
            _ => event.add_common(five).unwrap(),
        }
    }
    base.event(events[2]).unwrap().del();
    base.event(events[0]).unwrap().add_common(five).unwrap();
    base.event(events[3]).unwrap().remove_timeout();
    assert_eq!(base.event(events[5]).unwrap().remaining(), Some(ms(5)));
    assert_eq!(base.event(events[5]).unwrap().pending(), What::TIMEOUT);
    let _ = turn(&mut base, &mut app, 4);
    assert_eq!((app.take(), base.deadline()), (vec![], Some(at(5))));
    let _ = turn(&mut base, &mut app, 5);
    assert_eq!(app.take(), [1, 4, 5, 0], "equal deadlines in the order they were armed");
    assert_eq!(base.counts().added, 0);
}

#[test]
fn an_event_moves_between_its_own_timeout_and_a_common_one() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let five = base.common_timeout(ms(5)).unwrap();
    let event = timer(&mut base, Mode::Persist, 1);
    base.event(event).unwrap().add(Some(ms(2))).unwrap();
    base.event(event).unwrap().add_common(five).unwrap();
    assert_eq!((base.deadline(), base.counts().added), (Some(at(5)), 1));
    base.event(event).unwrap().add(Some(ms(3))).unwrap();
    assert_eq!((base.deadline(), base.counts().added), (Some(at(3)), 1));
    base.event(event).unwrap().add_common(five).unwrap();
    for now in 1..=16 {
        let _ = turn(&mut base, &mut app, now);
    }
    assert_eq!(app.take().len(), 3, "it keeps the beat of the common one");
    base.event(event).unwrap().free();
    assert_eq!((base.deadline(), base.counts().events), (None, 0));
}

#[test]
fn a_beat_on_a_common_list_goes_where_its_deadline_belongs() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let five = base.common_timeout(ms(5)).unwrap();
    let (beat, late) = (timer(&mut base, Mode::Persist, 1), timer(&mut base, Mode::OneShot, 2));
    base.event(beat).unwrap().add_common(five).unwrap();
    // The loop is late: the beat of 10 is set at 8, when the other is begun for 13.
    app.events.push(late);
    base.advance(at(8));
    base.event(late).unwrap().add_common(five).unwrap();
    let _ = turn(&mut base, &mut app, 8);
    assert_eq!((app.take(), base.deadline()), (vec![1], Some(at(10))));
    let _ = turn(&mut base, &mut app, 10);
    let _ = turn(&mut base, &mut app, 13);
    assert_eq!(app.take(), [1, 2]);
}

#[test]
fn a_common_timeout_of_another_base_is_refused() {
    let (mut storage, mut other) = (storage(), Box::new(Storage::<App, 1, 1, 8, 8, 1, 1>::new()));
    let mut base = EventBase::new(&mut storage);
    base.common_timeout(ms(1)).unwrap();
    let foreign = base.common_timeout(ms(2)).unwrap();
    let mut base = EventBase::new(&mut other);
    let event = timer(&mut base, Mode::OneShot, 1);
    let added = base.event(event).unwrap().add_common(foreign);
    assert_eq!((added, base.counts().added), (Err(AddError::UnknownTimeout), 0));
}

#[test]
fn a_source_of_another_base_is_refused() {
    let (mut storage, mut other) = (storage(), storage());
    let source = EventBase::new(&mut storage).new_source().unwrap();
    let mut base = EventBase::new(&mut other);
    let event = base.new_event(source, What::READ, Mode::OneShot, App::note).unwrap();
    assert_eq!(base.event(event).unwrap().add(None), Err(AddError::SourceClosed));
    assert_eq!(base.counts().added, 0);
}

#[test]
fn once_events_wait_for_a_source_and_go() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let source = base.new_source().unwrap();
    assert_eq!(base.once(source, What::SIGNAL, None, App::note), Err(OnceError::NoInterest));
    assert_eq!(base.once(source, What::NONE, None, App::note), Err(OnceError::NoInterest));
    let event = base.once(source, What::READ, Some(ms(5)), App::note).unwrap();
    base.event(event).unwrap().set_user(1);
    base.ready(source, What::READ);
    let _ = turn(&mut base, &mut app, 1);
    assert_eq!((app.take(), base.event(event).is_err(), base.deadline()), (vec![1], true, None));
    let event = base.once(source, What::WRITE, Some(ms(5)), App::note).unwrap();
    let _ = turn(&mut base, &mut app, 6);
    assert_eq!((app.take().len(), base.event(event).is_err()), (1, true));
    base.forget_source(source).unwrap();
    let gone = base.once(source, What::READ, None, App::note);
    assert_eq!(gone, Err(OnceError::Add(AddError::SourceClosed)));
    for _ in 0..8 {
        timer(&mut base, Mode::OneShot, 1);
    }
    let full = base.once(source, What::READ, None, App::note);
    assert_eq!(full, Err(OnceError::Full(Full::Events)), "a refused one holds no slot");
}

#[test]
fn a_once_event_that_adds_itself_again_lives_on() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let event = base.after(ms(1), App::note).unwrap();
    base.event(event).unwrap().set_user(1);
    app.events.push(event);
    app.react = Some(|app, cx, _| {
        if app.calls.len() < 3 {
            cx.event(app.events[0]).unwrap().add(Some(ms(1))).unwrap();
        }
    });
    for now in 1..=9 {
        let _ = turn(&mut base, &mut app, now);
    }
    assert_eq!((app.take(), base.event(event).is_err()), (vec![1, 1, 1], true));
}

#[test]
fn after_no_delay_is_due_at_once_behind_what_is_due() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let first = timer(&mut base, Mode::OneShot, 1);
    activate(&mut base, first);
    let second = base.after(Duration::ZERO, App::note).unwrap();
    base.event(second).unwrap().set_user(2);
    assert_eq!(turn(&mut base, &mut app, 1), Wait::Not);
    assert_eq!(app.take(), [1, 2]);
    assert!(base.event(second).is_err(), "its slot is free again");
}

#[test]
fn events_by_edge_hear_of_changes_only() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let source = base.new_source().unwrap();
    let interest = What::READ | What::EDGE;
    let edge = base.new_event(source, interest, Mode::Persist, App::note).unwrap();
    let level = base.new_event(source, What::READ, Mode::Persist, App::note).unwrap();
    base.event(edge).unwrap().add(None).unwrap();
    let asked = picoevent::Action::Interest(source, interest);
    assert_eq!(base.next_action(), Some(asked));
    assert_eq!(base.event(level).unwrap().add(None), Err(AddError::MixedEdge));
    assert_eq!(base.event(level).unwrap().pending(), What::NONE);
    base.ready(source, What::READ);
    assert_eq!(base.event(edge).unwrap().pending(), interest);
    base.dispatch(&mut app);
    assert_eq!((app.take().len(), base.next_action()), (1, None), "nothing is asked again");
    base.event(edge).unwrap().del();
    base.event(level).unwrap().add(None).unwrap();
    assert_eq!(base.event(edge).unwrap().add(None), Err(AddError::MixedEdge));
}

#[test]
fn a_newcomer_hears_what_others_heard_before() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let source = base.new_source().unwrap();
    for user in 1..=2 {
        let event = base.new_event(source, What::READ, Mode::Persist, App::note).unwrap();
        base.event(event).unwrap().set_user(user).add(None).unwrap();
        let asked = picoevent::Action::Interest(source, What::READ);
        assert_eq!(base.next_action(), Some(asked), "event {user}");
        base.ready(source, What::READ);
    }
    base.dispatch(&mut app);
    assert_eq!(app.take(), [1, 2]);
}

#[test]
fn a_new_timeout_loses_no_readiness() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let source = base.new_source().unwrap();
    let event = base.new_event(source, What::READ, Mode::Persist, App::note).unwrap();
    base.event(event).unwrap().add(Some(ms(5))).unwrap();
    while base.next_action().is_some() {}
    base.ready(source, What::READ);
    base.event(event).unwrap().activate(What::TIMEOUT);
    base.event(event).unwrap().add(Some(ms(5))).unwrap();
    base.dispatch(&mut app);
    assert_eq!(app.take(), [], "the callback for the old timeout is taken back");
    let asked = picoevent::Action::Interest(source, What::READ);
    assert_eq!(base.next_action(), Some(asked), "and the source is asked again");
}

#[test]
fn counts_and_peaks_size_a_storage() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let source = base.new_source().unwrap();
    let event = base.new_event(source, What::READ, Mode::Persist, App::note).unwrap();
    base.event(event).unwrap().add(Some(ms(5))).unwrap();
    base.ready(source, What::READ);
    let counts = base.counts();
    assert_eq!((counts.added, counts.active, counts.events, counts.sources), (3, 1, 1, 1));
    timer(&mut base, Mode::OneShot, 1);
    base.event(event).unwrap().free();
    let _ = turn(&mut base, &mut app, 1);
    let counts = base.counts();
    assert_eq!((counts.added, counts.active, counts.events), (0, 0, 1));
    let peaks = base.take_peaks();
    assert_eq!((peaks.added, peaks.active, peaks.events, peaks.sources), (3, 1, 2, 1));
    assert_eq!(base.peaks(), base.counts());
}

#[test]
fn each_pending_or_active_event_is_listed_once() {
    let (mut storage, mut app) = (storage(), App::default());
    let mut base = EventBase::new(&mut storage);
    let source = base.new_source().unwrap();
    let event = base.new_event(source, What::READ, Mode::Persist, App::note).unwrap();
    base.event(event).unwrap().set_user(7).add(Some(ms(5))).unwrap();
    base.event(event).unwrap().activate(What::WRITE);
    timer(&mut base, Mode::OneShot, 1);
    let active = timer(&mut base, Mode::OneShot, 2);
    activate(&mut base, active);
    let infos: Vec<_> = base.events().collect();
    assert_eq!(infos.iter().map(|info| info.event).collect::<Vec<_>>(), [event, active]);
    assert_eq!(infos[0].pending, What::READ | What::TIMEOUT);
    assert_eq!((infos[0].deadline, infos[1].active), (Some(at(5)), What::READ));
    base.advance(at(2));
    assert_eq!(
        base.dump().to_string(),
        "at 2000 us: 4 added, 2 active\n  \
         event 0.1 user 7 priority 4: pending TIMEOUT|READ, active WRITE, in 3000 us\n  \
         event 2.1 user 2 priority 4: pending NONE, active READ"
    );
    base.dispatch(&mut app);
    assert_eq!(base.events().count(), 1);
}

#[test]
fn connections_and_listeners_are_listed_until_they_are_freed() {
    let mut storage = Storage::<App, 1, 2, 8, 8, 2, 1>::new();
    let mut base = EventBase::new(&mut storage);
    let address = SocketAddr::from(([10, 0, 0, 2], 9995));
    let first = base.listen(address, |_, _, _| ()).unwrap();
    let second = base.listen(address, |_, _, _| ()).unwrap();
    let (one, two) = (base.accepted(first, address), base.accepted(first, address));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(base.listeners().collect::<Vec<_>>(), [first, second]);
    assert_eq!(base.conns().collect::<Vec<_>>(), [one, two]);
    base.listener(first).unwrap().free();
    base.conn(one).unwrap().close();
    assert_eq!(base.listeners().collect::<Vec<_>>(), [second]);
    assert_eq!(base.conns().collect::<Vec<_>>(), [two]);
}
