//! picoevent on its host back end, and picoevent on a minimal back end.
//!
//! The application of this workload reads all available input in each callback, so it requests edge-triggered events
//! ([`EventFlags::EDGE`]). A level-triggered event, the default of libevent, would be reported again.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::task::Poll as Progress;
use std::time::{Duration, Instant as Moment};

use anyhow::Result;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use picoevent::{Action, Backend, EventBase, EventFlags, EventMut, Instant, Mode, Source};
use picoevent_mio::{Capacities, HeapStorage, Live};

use super::ring::Ring;
use super::{Body, Chain, Contender, Watch};

/// Whether events have a timeout of a minute, which restarts with each event.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Idle {
    Without,
    /// Each event has a separate timer.
    Own,
}

const MINUTE: Duration = Duration::from_secs(60);

struct App<'w> {
    ring: &'w Ring,
    ready: fn(&Ring, u32),
}

pub(super) fn contenders() -> Vec<Contender> {
    let edge = EventFlags::READ | EventFlags::EDGE;
    // The back end watches duplicates of the descriptors.
    let live = |name, what, idle| Contender {
        extra_descriptors: 1,
        ..Contender::new(name, move |watch, body| run_live(watch, body, what, idle))
    };
    let core = |name, idle| Contender::new(name, move |watch, body| run_core(watch, body, idle));
    vec![
        live("picoevent", edge, Idle::Without),
        live("picoevent, level", EventFlags::READ, Idle::Without),
        core("picoevent's core on mio", Idle::Without),
        live("picoevent +t60", edge, Idle::Own),
        core("picoevent's core on mio +t60", Idle::Own),
    ]
}

/// Makes storage for a source and an event for each descriptor.
fn storage<'w>(watch: &Watch<'w>) -> Result<HeapStorage<App<'w>>> {
    let descriptors = watch.descriptors.len();
    let capacities =
        Capacities { events: descriptors, sources: descriptors, ..Capacities::default() };
    Ok(HeapStorage::new(capacities)?)
}

fn run_live(watch: &Watch<'_>, body: Body<'_>, what: EventFlags, idle: Idle) -> Result<()> {
    let mut storage = storage(watch)?;
    let mut base = EventBase::over(storage.memory());
    let mut live = Live::new()?;
    let sources = watch.descriptors.iter().map(|descriptor| live.add_source(&mut base, descriptor));
    let sources = sources.collect::<Result<Vec<_>, _>>()?;
    add_all(&mut base, &sources, what, idle)?;
    body(&mut LiveChain { live, base, app: App { ring: watch.ring, ready: watch.ready } })
}

struct LiveChain<'s, 'w> {
    live: Live,
    base: EventBase<'s, App<'w>>,
    app: App<'w>,
}

impl Chain for LiveChain<'_, '_> {
    fn iterate(&mut self) -> Result<()> {
        self.live.iterate_once(&mut self.base, &mut self.app)?;
        Ok(())
    }
}

fn run_core(watch: &Watch<'_>, body: Body<'_>, idle: Idle) -> Result<()> {
    let mut storage = storage(watch)?;
    let mut base = EventBase::over(storage.memory());
    let sources = watch.descriptors.iter().map(|_| base.new_source());
    let sources = sources.collect::<Result<Vec<_>, _>>()?;
    add_all(&mut base, &sources, EventFlags::READ | EventFlags::EDGE, idle)?;
    let backend = MinimalBackend {
        poll: Poll::new()?,
        events: Events::with_capacity(1024),
        sources,
        descriptors: &watch.descriptors,
        started: Moment::now(),
        now: Instant::ZERO,
    };
    body(&mut CoreChain { backend, base, app: App { ring: watch.ring, ready: watch.ready } })
}

struct CoreChain<'s, 'w> {
    backend: MinimalBackend<'w>,
    base: EventBase<'s, App<'w>>,
    app: App<'w>,
}

impl Chain for CoreChain<'_, '_> {
    fn iterate(&mut self) -> Result<()> {
        match self.base.iterate(&mut self.app, &mut self.backend) {
            Progress::Ready(ended) => ended.map(drop),
            // This back end never waits.
            Progress::Pending => Ok(()),
        }
    }
}

/// A minimal back end: edge-triggered descriptors, and a clock that is read only when a timer is pending.
struct MinimalBackend<'w> {
    poll: Poll,
    events: Events,
    /// In the same order as `descriptors`: the index of a source in the base is the index of its descriptor.
    sources: Vec<Source>,
    descriptors: &'w [BorrowedFd<'w>],
    started: Moment,
    now: Instant,
}

impl<'w> Backend<App<'w>> for MinimalBackend<'_> {
    type Error = anyhow::Error;

    fn now(&mut self) -> Instant {
        self.now
    }

    fn act(&mut self, action: Action, _: &mut EventBase<'_, App<'w>>) -> Result<()> {
        let Action::Interest(source, _) = action else { return Ok(()) };
        let descriptor = self.descriptors[source.index()].as_raw_fd();
        let (mut watched, token) = (SourceFd(&descriptor), Token(source.index()));
        Ok(self.poll.registry().register(&mut watched, token, Interest::READABLE)?)
    }

    fn wait(&mut self, until: Instant, _: &mut EventBase<'_, App<'w>>) -> Progress<Result<()>> {
        let polled = self.poll.poll(&mut self.events, Some(Duration::ZERO));
        if until != Instant::MAX {
            self.now = Instant::from_micros(self.started.elapsed().as_micros() as u64);
        }
        Progress::Ready(polled.map_err(Into::into))
    }

    fn report(&mut self, base: &mut EventBase<'_, App<'w>>) {
        for event in &self.events {
            base.ready(self.sources[event.token().0], EventFlags::READ);
        }
    }
}

/// Adds an event for each source. An event's index in the base is the index of its descriptor, so the descriptor is
/// found without a table.
fn add_all(
    base: &mut EventBase<'_, App<'_>>,
    sources: &[Source],
    what: EventFlags,
    idle: Idle,
) -> Result<()> {
    for (index, &source) in sources.iter().enumerate() {
        let event = base.new_event(source, what, Mode::Persist, on_event)?;
        assert_eq!((event.index(), source.index()), (index, index), "a fresh table fills in order");
        let mut event = base.event(event)?;
        match idle {
            Idle::Without => event.add(None)?,
            Idle::Own => event.add(Some(MINUTE))?,
        }
    }
    Ok(())
}

fn on_event(app: &mut App<'_>, event: &mut EventMut<'_, '_, App<'_>>) {
    (app.ready)(app.ring, event.id().index() as u32);
}
