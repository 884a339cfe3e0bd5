//! The parts of an iteration of the loop: watchers, run modes, dispatch limits, sources, counts.

#[path = "../clock/mod.rs"]
mod clock;
mod counts;
#[cfg(feature = "idle-clock")]
mod idle;
mod limits;
mod modes;
mod reports;
mod sources;
mod watchers;

use std::task::Poll;
use std::time::Duration;

use picoevent::{Cx, Event, EventBase, EventFlags, EventMut, Instant, Mode, Storage, Wait};

use clock::Clock;

/// An application that records the data word of each called event.
#[derive(Default)]
pub(crate) struct App {
    pub(crate) calls: Vec<u32>,
    pub(crate) waits: Vec<Option<Duration>>,
    pub(crate) react: Option<fn(&mut App, &mut Cx<App>, u32)>,
    pub(crate) events: Vec<Event>,
}

impl App {
    pub(crate) fn record(&mut self, event: &mut EventMut<Self>) {
        let user = event.user();
        self.calls.push(user);
        if let Some(react) = self.react {
            react(self, event.cx(), user);
        }
    }

    pub(crate) fn about_to_wait(&mut self, event: &mut EventMut<Self>) {
        self.waits.push(event.wait_to_come());
    }

    pub(crate) fn take(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.calls)
    }
}

/// Returns a base with new storage, which is never freed.
pub(crate) fn base() -> EventBase<'static, App> {
    EventBase::new(Box::leak(Box::new(Storage::<_, 8, 1, 16, 1, 1, 8>::new())))
}

pub(crate) fn at(millis: u64) -> Instant {
    Instant::from_micros(millis * 1000)
}

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn timer(base: &mut EventBase<App>, mode: Mode, user: u32) -> Event {
    let event = base.new_timer(mode, App::record).unwrap();
    base.event(event).unwrap().set_user(user);
    event
}

pub(crate) fn activate(base: &mut EventBase<App>, event: Event) {
    base.event(event).unwrap().activate(EventFlags::READ);
}

/// Runs one iteration whose wait ends at `millis`. Returns the wait that the base requested.
pub(crate) fn iterate(base: &mut EventBase<App>, app: &mut App, millis: u64) -> Wait {
    let mut clock = Clock { wakes: Some(at(millis)), ..Clock::at(base.now()) };
    match base.iterate(app, &mut clock) {
        Poll::Ready(Ok(Some(end))) => Wait::Ended(end),
        _ if clock.until == Instant::ZERO => Wait::Not,
        _ if clock.until == Instant::MAX => Wait::Forever,
        _ => Wait::Until(clock.until),
    }
}
