//! Iterations that do not wait, for programs with their own loop.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use picoevent::{End, EventBase, EventFlags, EventMut, Mode, Run, Storage};
use picoevent_mio::Live;

#[derive(Default)]
struct App {
    calls: u32,
}

impl App {
    fn count(&mut self, _: &mut EventMut<Self>) {
        self.calls += 1;
    }
}

#[test]
fn an_iteration_runs_due_callbacks_and_does_not_wait() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let mut storage = Storage::<App, 4, 0, 0, 0, 0, 4>::new();
    let (mut base, mut app) = (EventBase::new(&mut storage), App::default());
    let mut live = Live::new().unwrap();
    let source = live.add_source(&mut base, &ours).unwrap();
    let edge = EventFlags::READ | EventFlags::EDGE;
    let event = base.new_event(source, edge, Mode::Persist, App::count).unwrap();
    base.event(event).unwrap().add(None).unwrap();
    // There is no input, so an iteration that waits for input would never return.
    assert_eq!(live.iterate_once(&mut base, &mut app).unwrap(), None);
    assert_eq!(app.calls, 0);
    theirs.write_all(b"a").unwrap();
    assert_eq!(live.iterate_once(&mut base, &mut app).unwrap(), None);
    assert_eq!(app.calls, 1);
    assert_eq!(live.iterate_once(&mut base, &mut app).unwrap(), None);
    assert_eq!(app.calls, 1, "an edge is reported once");
}

#[test]
fn time_goes_on_between_iterations() {
    let mut storage = Storage::<App, 4, 0, 0, 0, 0, 4>::new();
    let (mut base, mut app) = (EventBase::new(&mut storage), App::default());
    let mut live = Live::new().unwrap();
    base.every(Duration::from_micros(1), App::count).unwrap();
    // The number of iterations is not fixed: the duration of an iteration depends on the host.
    while app.calls < 3 {
        assert_eq!(live.iterate_once(&mut base, &mut app).unwrap(), None);
    }
}

#[test]
fn iterations_end_as_a_loop_does() {
    let mut storage = Storage::<App, 4, 0, 0, 0, 0, 4>::new();
    let (mut base, mut app) = (EventBase::new(&mut storage), App::default());
    let mut live = Live::new().unwrap();
    assert_eq!(live.iterate_once(&mut base, &mut app).unwrap(), Some(End::Empty));
    base.every(Duration::from_secs(60), App::count).unwrap();
    assert_eq!(live.iterate_once(&mut base, &mut app).unwrap(), None);
    base.loop_break();
    assert_eq!(live.iterate_once(&mut base, &mut app).unwrap(), Some(End::Break));
}

/// Keeps the processor busy for `time`, like a program that does other work.
fn be_busy(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {}
}

#[test]
fn a_timer_made_between_two_iterations_counts_from_its_creation() {
    const GAP: Duration = Duration::from_millis(30);
    const HOUR: Duration = Duration::from_secs(3600);
    let mut storage = Storage::<App, 4, 0, 0, 0, 0, 4>::new();
    let (mut base, mut app) = (EventBase::new(&mut storage), App::default());
    let mut live = Live::new().unwrap();
    base.every(HOUR, App::count).unwrap();
    assert_eq!(live.iterate_once(&mut base, &mut app).unwrap(), None);
    for _ in 0..2 {
        let last_iteration = base.now();
        be_busy(GAP);
        let event = base.after(HOUR, App::count).unwrap();
        let deadline = base.event(event).unwrap().deadline().unwrap();
        assert!(deadline >= last_iteration.after(GAP + HOUR), "it would come early by the gap");
        assert_eq!(live.iterate_once(&mut base, &mut app).unwrap(), None);
    }
    assert_eq!(app.calls, 0);
}

#[test]
fn a_timer_made_between_a_run_and_an_iteration_is_not_early() {
    const GAP: Duration = Duration::from_millis(30);
    let mut storage = Storage::<App, 4, 0, 0, 0, 0, 4>::new();
    let (mut base, mut app) = (EventBase::new(&mut storage), App::default());
    let mut live = Live::new().unwrap();
    base.every(Duration::from_secs(3600), App::count).unwrap();
    assert_eq!(live.run_with(&mut base, &mut app, Run::NONBLOCK).unwrap(), End::Done);
    be_busy(GAP);
    let made = Instant::now();
    base.after(GAP, App::count).unwrap();
    while app.calls == 0 {
        live.iterate_once(&mut base, &mut app).unwrap();
    }
    assert!(made.elapsed() >= GAP);
}

#[test]
fn a_base_without_a_seed_gets_one_from_the_system_when_it_settles_or_runs() {
    let random_bytes = |prepare: fn(&mut Live, &mut EventBase<'_, ()>)| {
        let mut storage = Storage::<(), 1, 0, 0, 0>::new();
        let (mut base, mut live) = (EventBase::new(&mut storage), Live::new().unwrap());
        assert!(!base.is_seeded());
        prepare(&mut live, &mut base);
        let mut bytes = [0; 32];
        base.random(&mut bytes).unwrap();
        bytes
    };
    let results = [
        random_bytes(|_, base| picoevent_mio::seed(base).unwrap()),
        random_bytes(|live, base| live.settle(base).unwrap()),
        random_bytes(|live, base| _ = live.run(base, &mut ()).unwrap()),
        random_bytes(|live, base| _ = live.iterate_once(base, &mut ()).unwrap()),
    ];
    for (nth, bytes) in results.iter().enumerate() {
        assert!(!results[..nth].contains(bytes), "each seed is different");
    }
}

#[test]
fn single_iterations_do_not_have_the_mode_of_an_earlier_run() {
    for mode in [Run::ONCE, Run::NONBLOCK] {
        let mut storage = Storage::<App, 4, 0, 0, 0, 0, 4>::new();
        let (mut base, mut app) = (EventBase::new(&mut storage), App::default());
        let mut live = Live::new().unwrap();
        base.every(Duration::from_micros(1), App::count).unwrap();
        live.run_with(&mut base, &mut app, mode).unwrap();
        let calls = app.calls;
        while app.calls < calls + 3 {
            assert_eq!(live.iterate_once(&mut base, &mut app).unwrap(), None);
        }
    }
}
