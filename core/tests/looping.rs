//! The loop: how long it waits, how it ends, and which actions it requests from the back end.

use std::net::SocketAddr;
use std::time::Duration;

use picoevent::{
    Action, Conn, Cx, End, EventBase, EventFlags, EventMut, FullError, Instant, Listener, Mode,
    Pool, PoolId, Run, Settings, SetupError, Signal, StaleError, Storage, Wait,
};

#[derive(Default)]
struct App {
    calls: Vec<u32>,
    react: Option<fn(&mut Cx<App>)>,
}

impl App {
    fn record(&mut self, event: &mut EventMut<Self>) {
        self.calls.push(event.user());
        if let Some(react) = self.react {
            react(event.cx());
        }
    }
}

/// Returns a base with new storage, which is never freed.
fn base() -> EventBase<'static, App> {
    EventBase::new(Box::leak(Box::new(Storage::<_, 8, 2, 32, 1, 1, 8>::new())))
}

fn at(millis: u64) -> Instant {
    Instant::from_micros(millis * 1000)
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

static SETTINGS: Settings = Settings::new();

/// Makes a listener. The callback of its connections does nothing.
fn listen(
    base: &mut EventBase<App>,
    address: SocketAddr,
    pool: PoolId,
) -> Result<Listener, SetupError> {
    base.listen_with(address, pool, &SETTINGS, |_, _, _| ())
}

fn connect(
    base: &mut EventBase<App>,
    address: SocketAddr,
    pool: PoolId,
) -> Result<Conn, SetupError> {
    base.connect_with(address, pool, &SETTINGS, |_, _, _| ())
}

/// Activates `count` events of one priority, with the data words 1, 2, …
fn activate(base: &mut EventBase<App>, count: u32) {
    for user in 1..=count {
        let event = base.new_timer(Mode::OneShot, App::record).unwrap();
        let mut event = base.event(event).unwrap();
        event.set_user(user);
        event.activate(EventFlags::READ);
    }
}

fn actions(base: &mut EventBase<App>) -> Vec<Action> {
    std::iter::from_fn(|| base.next_action()).collect()
}

#[test]
fn an_empty_base_has_ended() {
    let mut base = base();
    assert_eq!(base.wait(), Wait::Ended(End::Empty));
}

#[test]
fn anything_that_can_still_happen_keeps_the_loop_running() {
    let mut base = base();
    let event = base.on_signal(Signal::INT, App::record).unwrap();
    assert_eq!(actions(&mut base), [Action::Catch(Signal::INT)]);
    assert_eq!(base.wait(), Wait::Forever);
    base.event(event).unwrap().add(Some(ms(4))).unwrap();
    assert_eq!(base.wait(), Wait::Until(at(4)));
    base.event(event).unwrap().free();
    assert_eq!(base.wait(), Wait::Not, "the back end has something to do");
    assert_eq!(actions(&mut base), [Action::Release(Signal::INT)]);
    assert_eq!(base.wait(), Wait::Ended(End::Empty));
}

#[test]
fn the_loop_waits_until_the_earliest_deadline_and_not_while_something_is_due() {
    let (mut base, mut app) = (base(), App::default());
    base.after(ms(9), App::record).unwrap();
    base.after(ms(4), App::record).unwrap();
    base.exit_after(ms(7));
    assert_eq!(base.wait(), Wait::Until(at(4)));
    base.advance(at(4));
    assert_eq!(base.wait(), Wait::Not);
    base.dispatch(&mut app);
    assert_eq!(base.wait(), Wait::Until(at(7)));
}

#[test]
fn exit_lets_the_pass_end() {
    let (mut base, mut app) = (base(), App::default());
    activate(&mut base, 3);
    app.react = Some(|cx| cx.exit());
    base.dispatch(&mut app);
    assert_eq!((app.calls.as_slice(), base.wait()), (&[1, 2, 3][..], Wait::Ended(End::Exit)));
}

#[test]
fn break_ends_the_pass_at_once_and_keeps_due_callbacks() {
    let (mut base, mut app) = (base(), App::default());
    activate(&mut base, 3);
    app.react = Some(|cx| cx.loop_break());
    base.dispatch(&mut app);
    assert_eq!((app.calls.as_slice(), base.wait()), (&[1][..], Wait::Ended(End::Break)));
    app.react = None;
    assert_eq!(base.wait(), Wait::Not);
    base.dispatch(&mut app);
    assert_eq!(app.calls, [1, 2, 3]);
}

#[test]
fn break_stops_the_repeats_of_a_signal() {
    let (mut base, mut app) = (base(), App::default());
    base.on_signal(Signal::USR1, App::record).unwrap();
    base.raised(Signal::USR1, 4);
    app.react = Some(|cx| cx.loop_break());
    base.dispatch(&mut app);
    actions(&mut base);
    assert_eq!(base.wait(), Wait::Ended(End::Break));
    assert_eq!(base.wait(), Wait::Forever);
    base.dispatch(&mut app);
    assert_eq!(app.calls.len(), 1);
}

#[test]
fn continue_checks_for_new_events_and_keeps_due_callbacks() {
    let (mut base, mut app) = (base(), App::default());
    activate(&mut base, 2);
    app.react = Some(|cx| cx.loop_continue());
    base.dispatch(&mut app);
    assert_eq!((app.calls.as_slice(), base.wait()), (&[1][..], Wait::Not));
    base.dispatch(&mut app);
    assert_eq!(app.calls, [1, 2]);
}

#[test]
fn exit_and_break_before_the_loop_are_kept() {
    let (mut base, mut app) = (base(), App::default());
    activate(&mut base, 1);
    base.loop_break();
    base.exit();
    base.begin(Run::DEFAULT);
    assert_eq!(base.wait(), Wait::Ended(End::Break));
    base.begin(Run::DEFAULT);
    assert_eq!(base.wait(), Wait::Not, "an exit lets one pass run");
    base.advance(base.now());
    base.dispatch(&mut app);
    assert_eq!((app.calls.as_slice(), base.wait()), (&[1][..], Wait::Ended(End::Exit)));
    assert_eq!(base.wait(), Wait::Ended(End::Empty));
}

#[test]
fn the_earliest_of_several_exits_counts_and_the_others_are_forgotten() {
    let (mut base, mut app) = (base(), App::default());
    base.after(Duration::from_secs(86_400), App::record).unwrap();
    base.exit_after(ms(300));
    base.exit_after(ms(200));
    base.exit_after(ms(900));
    assert_eq!(base.wait(), Wait::Until(at(200)));
    base.advance(at(200));
    base.dispatch(&mut app);
    assert_eq!(base.wait(), Wait::Ended(End::Exit));
    assert_eq!(base.deadline(), Some(at(86_400_000)));
}

#[test]
fn exit_is_not_starved_by_more_urgent_work() {
    let (mut base, mut app) = (base(), App::default());
    fn again(app: &mut App, event: &mut EventMut<App>) {
        app.record(event);
        event.activate(EventFlags::READ);
    }
    let busy = base.new_timer(Mode::OneShot, again).unwrap();
    base.event(busy).unwrap().set_priority(picoevent::Priority::HIGHEST).unwrap();
    base.event(busy).unwrap().activate(EventFlags::READ);
    base.exit_after(ms(5));
    for now in 0..=5 {
        assert_eq!(base.wait(), Wait::Not);
        base.advance(at(now));
        base.dispatch(&mut app);
    }
    assert_eq!(base.wait(), Wait::Ended(End::Exit));
    assert_eq!(base.wait(), Wait::Not, "although it is still due");
}

#[test]
fn time_does_not_go_back() {
    let mut base = base();
    base.advance(at(9));
    base.advance(at(3));
    assert_eq!(base.now(), at(9));
    base.advance(Instant::MAX);
    base.after(ms(1), App::record).unwrap();
    assert_eq!(base.deadline(), Some(Instant::MAX), "the clock's end does not wrap");
}

#[test]
fn interests_are_combined_and_requested_again_after_a_callback() {
    let (mut base, mut app) = (base(), App::default());
    let source = base.new_source().unwrap();
    let read = base.new_event(source, EventFlags::READ, Mode::Persist, App::record).unwrap();
    let write = base.new_event(source, EventFlags::WRITE, Mode::OneShot, App::record).unwrap();
    base.event(read).unwrap().add(None).unwrap();
    assert_eq!(actions(&mut base), [Action::Interest(source, EventFlags::READ)]);
    base.event(write).unwrap().add(None).unwrap();
    assert_eq!(
        actions(&mut base),
        [Action::Interest(source, EventFlags::READ | EventFlags::WRITE)]
    );
    base.event(write).unwrap().add(None).unwrap();
    assert_eq!(actions(&mut base), [], "nothing changed");
    base.ready(source, EventFlags::READ | EventFlags::WRITE);
    base.dispatch(&mut app);
    assert_eq!(actions(&mut base), [Action::Interest(source, EventFlags::READ)]);
    base.ready(source, EventFlags::READ);
    base.dispatch(&mut app);
    assert_eq!(actions(&mut base), [Action::Interest(source, EventFlags::READ)], "level meaning");
    base.event(read).unwrap().del();
    assert_eq!(actions(&mut base), [Action::Interest(source, EventFlags::NONE)]);
    base.forget_source(source).unwrap();
    assert_eq!(actions(&mut base), [Action::Forget(source)]);
}

#[test]
fn a_listener_is_opened_paused_resumed_and_closed() {
    let mut base = base();
    let address = "127.0.0.1:9995".parse().unwrap();
    let pool = base.add_pool(Pool::rest().rings(8, 8)).unwrap();
    let listener = listen(&mut base, address, pool).unwrap();
    assert_eq!(actions(&mut base), [Action::Listen(listener)]);
    assert_eq!(base.wait(), Wait::Forever);
    base.listener(listener).unwrap().disable();
    assert_eq!(actions(&mut base), [Action::Ignore(listener)]);
    assert_eq!(base.wait(), Wait::Ended(End::Empty), "a disabled listener keeps no loop");
    base.listener(listener).unwrap().disable().enable();
    assert_eq!(actions(&mut base), [Action::Listen(listener)]);
    assert_eq!(base.listener(listener).unwrap().address(), Some(address));
    base.listener(listener).unwrap().free();
    assert_eq!(base.listener(listener).map(|_| ()), Err(StaleError));
    assert_eq!(actions(&mut base), [Action::Unlisten(listener)]);
    listen(&mut base, address, pool).unwrap();
}

#[test]
fn a_failed_listener_reports_its_error_and_can_try_again() {
    let (mut base, mut app) = (base(), App::default());
    let pool = base.add_pool(Pool::rest().rings(8, 8)).unwrap();
    let listener = listen(&mut base, "127.0.0.1:1".parse().unwrap(), pool).unwrap();
    base.listener(listener).unwrap().set_user(7).on_error(|app, listener, error| {
        assert_eq!(error, picoevent::ListenError::Denied);
        app.calls.push(listener.user());
        listener.enable();
    });
    actions(&mut base);
    base.listen_failed(listener, picoevent::ListenError::Denied);
    base.dispatch(&mut app);
    assert_eq!(app.calls, [7]);
    assert!(matches!(actions(&mut base)[..], [Action::Listen(..)]));
}

#[test]
fn the_wait_is_exact_when_deadlines_change_or_are_cancelled() {
    let mut base = base();
    let early = base.new_timer(Mode::OneShot, App::record).unwrap();
    let late = base.new_timer(Mode::OneShot, App::record).unwrap();
    assert_eq!(base.wait(), Wait::Ended(End::Empty));
    base.event(early).unwrap().add(Some(ms(5))).unwrap();
    base.event(late).unwrap().add(Some(ms(50))).unwrap();
    assert_eq!(base.wait(), Wait::Until(at(5)));
    base.event(early).unwrap().add(Some(ms(20))).unwrap();
    assert_eq!(base.wait(), Wait::Until(at(20)), "it was set later");
    base.event(early).unwrap().del();
    assert_eq!(base.wait(), Wait::Until(at(50)), "it was cancelled");
    base.exit_after(ms(10));
    assert_eq!(base.wait(), Wait::Until(at(10)));
    base.event(late).unwrap().add(Some(ms(3))).unwrap();
    assert_eq!(base.wait(), Wait::Until(at(3)), "it was set sooner");
    base.event(late).unwrap().del();
    assert_eq!(base.wait(), Wait::Until(at(10)), "only the exit is left");
}

#[test]
fn the_slot_of_a_freed_object_is_free_when_the_back_end_has_got_the_action() {
    let mut storage = Box::new(Storage::<App, 1, 1, 16>::new());
    let mut base = EventBase::new(&mut storage);
    let address = "192.0.2.7:4242".parse().unwrap();
    let pool = base.add_pool(Pool::rest().rings(8, 8)).unwrap();
    let conn = connect(&mut base, address, pool).unwrap();
    let listener = listen(&mut base, address, pool).unwrap();
    base.conn(conn).unwrap().abort();
    base.listener(listener).unwrap().free();
    base.dispatch(&mut App::default());
    assert_eq!(connect(&mut base, address, pool), Err(SetupError::PoolFull));
    assert_eq!(listen(&mut base, address, pool), Err(SetupError::Full(FullError::Listeners)));
    actions(&mut base);
    assert!(connect(&mut base, address, pool).is_ok());
    assert!(listen(&mut base, address, pool).is_ok());
}
