//! A small scripted back end: virtual time, streams in memory, signals, and external actions at given times.
//!
//! This back end does only what every back end must do. Time does not advance while a callback runs, unless the
//! callback advances the clock with [`World::pass`]. When the loop waits, the time jumps to the deadline of the wait or
//! to the next external action. A test fails if its loop would wait forever.

#![allow(dead_code, reason = "each of the test programs that share it needs another part")]

pub mod app;
pub mod stream;

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use picoevent::{Action, Backend, EventBase, EventFlags, Instant, Run, Signal, Source, Storage};

pub use app::App;
use stream::End;

/// The storage of the base in these tests.
pub type TestStorage<const EVENTS: usize = 128> = Storage<App, EVENTS, 1, 16, 1, 1, EVENTS>;

pub fn storage() -> Box<TestStorage> {
    Box::new(Storage::new())
}

/// Makes a base, its back end and its application.
pub fn begin<const EVENTS: usize>(
    storage: &mut TestStorage<EVENTS>,
) -> (EventBase<'_, App>, Script, App) {
    let script = Script::default();
    let app = App::new(script.world.clone());
    (EventBase::new(storage), script, app)
}

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub const fn at(millis: u64) -> Instant {
    Instant::from_micros(millis * 1000)
}

/// The clock, the raised signals and the scheduled actions of a test. The back end and the application share them.
#[derive(Default)]
pub struct World {
    now: Instant,
    raised: Vec<(Signal, u16)>,
    scheduled: Vec<(Instant, ScheduledAction)>,
}

pub type Handle = Rc<RefCell<World>>;
type ScheduledAction = Box<dyn FnOnce(&mut World)>;

impl World {
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Advances the clock. A callback calls this method to simulate the time that the callback takes.
    pub fn pass(&mut self, duration: Duration) {
        self.now = self.now.after(duration);
    }

    /// Sets the clock, forwards or backwards.
    pub fn set_clock(&mut self, now: Instant) {
        self.now = now;
    }

    /// Raises a signal.
    pub fn raise(&mut self, signal: Signal, raises: u16) {
        self.raised.push((signal, raises));
    }

    /// Schedules an external action at a given time.
    pub fn at(&mut self, millis: u64, action: impl FnOnce(&mut Self) + 'static) {
        self.scheduled.push((at(millis), Box::new(action)));
        self.scheduled.sort_by_key(|(at, _)| *at);
    }

    /// Runs the scheduled external actions whose time has come.
    fn catch_up(&mut self) {
        while self.scheduled.first().is_some_and(|(at, _)| *at <= self.now) {
            let (_, action) = self.scheduled.remove(0);
            action(self);
        }
    }
}

/// The back end.
#[derive(Default)]
pub struct Script {
    pub world: Handle,
    watched: Vec<Watched>,
    caught: Vec<Signal>,
    /// The deadline of each wait, as given to [`Backend::wait`].
    pub waits: Vec<Instant>,
    /// All actions of the base up to now.
    pub actions: Vec<Action>,
}

struct Watched {
    source: Source,
    end: End,
    interest: EventFlags,
    /// Whether the next report must contain all readiness, not only changes of the readiness.
    reports_all: bool,
}

impl Script {
    /// Makes a source for an endpoint of a stream.
    pub fn watch(&mut self, base: &mut EventBase<App>, end: &End) -> Source {
        let source = base.new_source().unwrap();
        self.watched.push(Watched {
            source,
            end: end.clone(),
            interest: EventFlags::NONE,
            reports_all: false,
        });
        source
    }

    /// Runs the loop until it ends. Returns why the loop ended.
    pub fn run(&mut self, base: &mut EventBase<App>, app: &mut App, run: Run) -> picoevent::End {
        base.begin(run);
        for _ in 0..1_000_000 {
            if let Poll::Ready(Ok(Some(end))) = base.iterate(app, self) {
                return end;
            }
        }
        panic!("the loop does not end");
    }

    fn has_reports(&self, world: &World) -> bool {
        let raised = world.raised.iter().any(|(s, _)| self.caught.contains(s));
        raised || self.watched.iter().any(|watched| !watched.report().is_empty())
    }
}

impl Backend<App> for Script {
    type Error = Infallible;

    fn now(&mut self) -> Instant {
        self.world.borrow().now
    }

    fn act(&mut self, action: Action, _: &mut EventBase<App>) -> Result<(), Infallible> {
        self.actions.push(action);
        match action {
            Action::Interest(source, what) => {
                let watched = self.watched.iter_mut().find(|watched| watched.source == source);
                let watched = watched.expect("only sources of this script have an interest");
                (watched.interest, watched.reports_all) = (what, true);
            }
            Action::Forget(source) => self.watched.retain(|watched| watched.source != source),
            Action::Catch(signal) => self.caught.push(signal),
            Action::Release(signal) => self.caught.retain(|caught| *caught != signal),
            _ => {}
        }
        Ok(())
    }

    fn wait(&mut self, until: Instant, _: &mut EventBase<App>) -> Poll<Result<(), Infallible>> {
        self.waits.push(until);
        let mut world = self.world.borrow_mut();
        loop {
            world.catch_up();
            if until <= world.now || self.has_reports(&world) {
                return Poll::Ready(Ok(()));
            }
            let next = world.scheduled.first().map_or(Instant::MAX, |(at, _)| *at);
            world.now = until.min(next);
            assert_ne!(world.now, Instant::MAX, "the loop would wait forever");
        }
    }

    fn report(&mut self, base: &mut EventBase<App>) {
        for watched in &mut self.watched {
            let report = watched.report();
            watched.end.take_edges();
            watched.reports_all = false;
            if !report.is_empty() {
                base.ready(watched.source, report);
            }
        }
        for (signal, raises) in std::mem::take(&mut self.world.borrow_mut().raised) {
            if self.caught.contains(&signal) {
                base.raised(signal, raises);
            }
        }
    }
}

impl Watched {
    fn report(&self) -> EventFlags {
        let state = self.end.state() & self.interest;
        if self.reports_all { state } else { state & self.end.edges() }
    }
}
