//! A callback that takes a long time: the events that become due while it runs are called late, and all other events
//! are called in time.
//!
//! The test uses a virtual clock. The clock advances when the loop waits. The long callback also advances the clock, by
//! the time that the callback takes.

use std::convert::Infallible;
use std::task::Poll;
use std::time::Duration;

use picoevent::{
    Action, Backend, End, EventBase, EventFlags, EventMut, Fired, Instant, Mode, Storage,
};

/// The start and the duration of the long callback, in milliseconds.
const BEGINS: u64 = 10;
const WORKS: u64 = 50;

/// Timers are due at 1, 4, 7, … ms.
const TIMERS: u64 = 60;
const STEP: u64 = 3;

#[derive(Default)]
struct App {
    clock: u64,
    /// For each call of a callback, the time at which the callback was due and the time at which it was called.
    calls: Vec<(u64, u64)>,
    hogs: u64,
}

impl App {
    /// Records a call. The event's data word is the time at which the event is due.
    fn record(&mut self, event: &mut EventMut<Self>) {
        let due = event.user();
        self.calls.push((due.into(), self.clock));
    }

    fn hog(&mut self, event: &mut EventMut<Self>) {
        assert_eq!(self.clock, BEGINS);
        self.hogs += 1;
        self.clock += WORKS;
        // The loop's time has not advanced during this callback. So the new timer's deadline is `2 * WORKS` after the
        // beginning of the callback, not after its end.
        let later = event.after(Duration::from_millis(2 * WORKS), Self::record).unwrap();
        event.event(later).unwrap().set_user((BEGINS + 2 * WORKS) as u32);
    }
}

/// A back end whose clock advances while the loop waits and while a callback runs.
struct Script<F> {
    clock: u64,
    feed: F,
}

impl<F: FnMut(&mut EventBase<App>, u64)> Backend<App> for Script<F> {
    type Error = Infallible;

    fn now(&mut self) -> Instant {
        Instant::from_micros(self.clock * 1000)
    }

    fn act(&mut self, _: Action, _: &mut EventBase<App>) -> Result<(), Infallible> {
        Ok(())
    }

    fn wait(&mut self, until: Instant, _: &mut EventBase<App>) -> Poll<Result<(), Infallible>> {
        self.clock = self.clock.max(until.as_micros() / 1000);
        Poll::Ready(Ok(()))
    }

    fn report(&mut self, base: &mut EventBase<App>) {
        (self.feed)(base, self.clock);
    }

    fn call(&mut self, fired: Fired<App>, base: &mut EventBase<App>, app: &mut App) {
        app.clock = self.clock;
        fired.call(app, base);
        self.clock = app.clock;
    }
}

/// Runs the loop to its end. `report` is called whenever the loop checks for new events.
fn run(base: &mut EventBase<App>, app: &mut App, feed: impl FnMut(&mut EventBase<App>, u64)) {
    let mut script = Script { clock: 0, feed };
    loop {
        if let Poll::Ready(Ok(Some(end))) = base.iterate(app, &mut script) {
            return assert_eq!(end, End::Exit);
        }
    }
}

fn with_a_hog(base: &mut EventBase<App>) {
    for timer in 0..TIMERS {
        let due = 1 + timer * STEP;
        let event = base.after(Duration::from_millis(due), App::record).unwrap();
        base.event(event).unwrap().set_user(due as u32);
    }
    base.after(Duration::from_millis(BEGINS), App::hog).unwrap();
    base.exit_after(Duration::from_millis(1 + TIMERS * STEP));
}

#[test]
fn a_long_callback_delays_only_callbacks_that_become_due_during_it() {
    let (mut storage, mut app) = (Box::new(Storage::<App, 128, 0, 0>::new()), App::default());
    let mut base = EventBase::new(&mut storage);
    with_a_hog(&mut base);
    run(&mut base, &mut app, |_, _| {});
    assert_eq!((app.hogs, app.calls.len() as u64), (1, TIMERS + 1));
    let free = BEGINS + WORKS;
    for &(due, called) in &app.calls {
        let expected = if due > BEGINS && due < free { free } else { due };
        assert_eq!(called, expected, "due at {due} ms");
    }
    // The timers are called in the order of their deadlines, including the late timers.
    assert!(app.calls.is_sorted_by_key(|(due, _)| *due), "{:?}", app.calls);
}

#[test]
fn a_periodic_timer_skips_missed_periods_and_keeps_its_period() {
    let (mut storage, mut app) = (Box::new(Storage::<App, 128, 0, 0>::new()), App::default());
    let mut base = EventBase::new(&mut storage);
    base.every(Duration::from_millis(20), App::record).unwrap();
    base.after(Duration::from_millis(BEGINS), App::hog).unwrap();
    base.exit_after(Duration::from_millis(105));
    run(&mut base, &mut app, |_, _| {});
    let called: Vec<_> = app.calls.iter().map(|(_, called)| *called).collect();
    assert_eq!(called, [60, 80, 100], "due at 20 and 40, one of which is left out");
}

#[test]
fn a_source_that_becomes_ready_during_a_long_callback_is_called_in_the_next_iteration() {
    let (mut storage, mut app) =
        (Box::new(Storage::<App, 128, 0, 0, 0, 0, 1>::new()), App::default());
    let mut base = EventBase::new(&mut storage);
    let source = base.new_source().unwrap();
    let event = base.new_event(source, EventFlags::READ, Mode::OneShot, App::record).unwrap();
    base.event(event).unwrap().add(None).unwrap();
    with_a_hog(&mut base);
    let mut reported = false;
    run(&mut base, &mut app, |base, clock| {
        // The source becomes ready at 30 ms, while the long callback runs. The loop gets the report only after the
        // callback.
        if clock >= 30 && !std::mem::replace(&mut reported, true) {
            base.ready(source, EventFlags::READ);
        }
    });
    let ready = app.calls.iter().position(|(due, _)| *due == 0).unwrap();
    assert_eq!(app.calls[ready].1, BEGINS + WORKS);
    assert!(
        app.calls[..ready].iter().all(|(due, _)| *due <= BEGINS),
        "it is before the late timers"
    );
}
