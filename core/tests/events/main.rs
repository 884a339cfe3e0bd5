//! The rules of events, with libevent's terms: add, delete, activate, persistent, signals.

mod activating;
mod adding;
#[path = "../clock/mod.rs"]
mod clock;
mod firing;
mod handles;
mod periods;
mod signals;

use std::task::Poll;
use std::time::Duration;

use picoevent::{Cx, Event, EventBase, EventFlags, EventMut, Instant, Mode, Run, Source, Storage};

use clock::Clock;

/// An application that records each called event with its flags. It can also run the function `react` in each callback.
#[derive(Default)]
struct Trace {
    calls: Vec<(u32, EventFlags)>,
    react: Option<fn(&mut Cx<Trace>, Event)>,
    target: Option<Event>,
}

impl Trace {
    fn record(&mut self, event: &mut EventMut<Self>) {
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

/// Returns a base with new storage, which is never freed.
fn base() -> Base<'static> {
    EventBase::new(Box::leak(Box::new(Storage::<_, 8, 1, 16, 1, 1, 8>::new())))
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn at(millis: u64) -> Instant {
    Instant::from_micros(millis * 1000)
}

/// Advances the time to `millis` and runs passes until nothing is due. Returns the recorded calls.
fn run_to(base: &mut Base, app: &mut Trace, millis: u64) -> Vec<(u32, EventFlags)> {
    let mut clock = Clock::at(at(millis));
    base.begin(Run::NONBLOCK);
    let iterations = (0..100).map(|_| base.iterate(app, &mut clock));
    let _ = iterations.take_while(|iteration| matches!(iteration, Poll::Ready(Ok(None)))).count();
    app.calls()
}

fn timer(base: &mut Base, mode: Mode, user: u32) -> Event {
    let event = base.new_timer(mode, Trace::record).unwrap();
    base.event(event).unwrap().set_user(user);
    event
}

fn watch(base: &mut Base, source: Source, interest: EventFlags, mode: Mode, user: u32) -> Event {
    let event = base.new_event(source, interest, mode, Trace::record).unwrap();
    base.event(event).unwrap().set_user(user).add(None).unwrap();
    event
}
