//! picoevent: the core alone, as in a program without devices, and the core on the host back end. The host back end
//! checks the system for new events between two passes.

use std::convert::Infallible;
use std::task::Poll;

use anyhow::Result;
use picoevent::{
    Action, Backend, Event, EventBase, EventFlags, EventMut, Instant, Mode, Run, Storage,
};
use picoevent_mio::Live;

use super::{Active, Body};

/// The number of events in the largest run.
const MAX_EVENTS: usize = 64;

#[derive(Default)]
struct App {
    left: u64,
    calls: u64,
}

pub(super) fn run_core(events: u32, body: Body<'_>) -> Result<()> {
    open(events, body, |base, app| {
        base.begin(Run::DEFAULT);
        while base.iterate(app, &mut NoDevices) == Poll::Ready(Ok(None)) {}
        Ok(())
    })
}

/// A back end without a clock and devices.
struct NoDevices;

impl Backend<App> for NoDevices {
    type Error = Infallible;

    fn now(&mut self) -> Instant {
        Instant::ZERO
    }

    fn act(&mut self, _: Action, _: &mut EventBase<'_, App>) -> Result<(), Infallible> {
        Ok(())
    }

    fn wait(&mut self, _: Instant, _: &mut EventBase<'_, App>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
}

pub(super) fn run_live(events: u32, body: Body<'_>) -> Result<()> {
    let mut live = Live::new()?;
    open(events, body, move |base, app| {
        live.run(base, app)?;
        Ok(())
    })
}

struct Loop<'s, R> {
    base: EventBase<'s, App>,
    events: Vec<Event>,
    app: App,
    run: R,
}

fn open(
    count: u32,
    body: Body<'_>,
    run: impl FnMut(&mut EventBase<'_, App>, &mut App) -> Result<()>,
) -> Result<()> {
    let mut storage = Storage::<App, MAX_EVENTS, 0, 0>::new();
    let mut base = EventBase::new(&mut storage);
    let events = (0..count).map(|_| base.new_timer(Mode::Persist, on_event));
    let events = events.collect::<Result<Vec<_>, _>>()?;
    body(&mut Loop { base, events, app: App::default(), run })
}

impl<R: FnMut(&mut EventBase<'_, App>, &mut App) -> Result<()>> Active for Loop<'_, R> {
    fn run(&mut self, callbacks: u64) -> Result<u64> {
        self.app = App { left: callbacks - self.events.len() as u64, calls: 0 };
        for &event in &self.events {
            self.base.event(event)?.activate(EventFlags::READ);
        }
        (self.run)(&mut self.base, &mut self.app)?;
        Ok(self.app.calls)
    }
}

fn on_event(app: &mut App, event: &mut EventMut<'_, '_, App>) {
    app.calls += 1;
    if app.left > 0 {
        app.left -= 1;
        event.activate(event.what());
    }
}
