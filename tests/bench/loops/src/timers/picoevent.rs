//! picoevent: the core, with a back end that has only a clock.

use std::convert::Infallible;
use std::task::Poll;
use std::time::{Duration, Instant as Moment};

use anyhow::Result;
use picoevent::{Action, Backend, Event, EventBase, EventMut, Instant, Mode};
use picoevent_mio::{Capacities, HeapStorage};

use super::{Body, Operations, Timers};

#[derive(Default)]
struct App {
    fired: u64,
}

pub(super) fn run(count: u32, body: Body<'_>) -> Result<()> {
    let capacities = Capacities { events: count as usize, ..Capacities::default() };
    let mut storage = HeapStorage::new(capacities)?;
    let mut base = EventBase::over(storage.memory());
    let events = (0..count).map(|_| base.new_timer(Mode::OneShot, on_timer));
    let events = events.collect::<Result<Vec<_>, _>>()?;
    body(&mut Loop { base, events, app: App::default(), clock: Clock(Moment::now()) })
}

struct Loop<'s> {
    base: EventBase<'s, App>,
    events: Vec<Event>,
    app: App,
    clock: Clock,
}

impl Operations for Loop<'_> {
    fn set(&mut self, which: &[u32], ms: &[u32]) {
        for (&which, &ms) in which.iter().zip(ms) {
            let Ok(mut event) = self.base.event(self.events[which as usize]) else { continue };
            let added = event.add(Some(Duration::from_millis(ms.into())));
            debug_assert!(added.is_ok(), "a timer has no source that could be gone");
        }
    }

    fn cancel(&mut self, which: &[u32]) {
        for &which in which {
            if let Ok(mut event) = self.base.event(self.events[which as usize]) {
                event.del();
            }
        }
    }

    fn refresh(&mut self) {
        self.base.update_now(self.clock.read());
    }
}

impl Timers for Loop<'_> {
    fn in_callback(&mut self, body: &mut dyn FnMut(&mut dyn Operations)) -> u64 {
        self.refresh();
        body(self);
        self.app.fired
    }

    fn iterate(&mut self) -> Result<u64> {
        let _ = self.base.iterate(&mut self.app, &mut self.clock);
        Ok(self.app.fired)
    }
}

/// A back end that has only a clock and never waits.
struct Clock(Moment);

impl Clock {
    fn read(&self) -> Instant {
        Instant::from_micros(self.0.elapsed().as_micros() as u64)
    }
}

impl Backend<App> for Clock {
    type Error = Infallible;

    fn now(&mut self) -> Instant {
        self.read()
    }

    fn act(&mut self, _: Action, _: &mut EventBase<'_, App>) -> Result<(), Infallible> {
        Ok(())
    }

    fn wait(&mut self, _: Instant, _: &mut EventBase<'_, App>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
}

fn on_timer(app: &mut App, _: &mut EventMut<'_, '_, App>) {
    app.fired += 1;
}
