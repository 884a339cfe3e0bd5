//! picoevent: its core, with the clock that a back end would feed it.

use std::time::{Duration, Instant as Moment};

use anyhow::{Result, bail};
use picoevent::{CommonTimeout, Cx, Event, EventBase, Instant, Mode, Storage, What};

use super::{Body, Timers, Verbs};

/// What is shared by those that have a timeout in common, as long as W2i's is.
const MINUTE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct App {
    fired: u64,
}

/// Timers of their own length.
pub(super) fn own(count: u32, body: Body<'_>) -> Result<()> {
    open(count, body, false)
}

/// Timers of a minute, which all share.
pub(super) fn common(count: u32, body: Body<'_>) -> Result<()> {
    open(count, body, true)
}

fn open(count: u32, body: Body<'_>, common: bool) -> Result<()> {
    match count {
        ..=100 => with_tables_of::<100>(count, body, common),
        101..=1_000 => with_tables_of::<1_000>(count, body, common),
        1_001..=10_000 => with_tables_of::<10_000>(count, body, common),
        10_001..=65_000 => with_tables_of::<65_000>(count, body, common),
        _ => bail!("there are no tables for {count} timers here"),
    }
}

fn with_tables_of<const SIZE: usize>(count: u32, body: Body<'_>, common: bool) -> Result<()> {
    let mut storage = Box::new(Storage::<App, SIZE, 0>::new());
    let mut base = EventBase::new(&mut storage);
    let events = (0..count).map(|_| base.new_timer(Mode::OneShot, called));
    let events = events.collect::<Result<Vec<_>, _>>()?;
    let common = if common { Some(base.common_timeout(MINUTE)?) } else { None };
    body(&mut Loop { base, events, common, app: App::default(), started: Moment::now() })
}

struct Loop<'s> {
    base: EventBase<'s, App>,
    events: Vec<Event>,
    common: Option<CommonTimeout>,
    app: App,
    started: Moment,
}

impl Verbs for Loop<'_> {
    fn set(&mut self, which: &[u32], ms: &[u32]) {
        for (&which, &ms) in which.iter().zip(ms) {
            let Ok(mut event) = self.base.event(self.events[which as usize]) else { continue };
            let added = match self.common {
                None => event.add(Some(Duration::from_millis(ms.into()))),
                Some(common) => event.add_common(common),
            };
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
        self.base.advance(Instant::from_micros(self.started.elapsed().as_micros() as u64));
    }
}

impl Timers for Loop<'_> {
    fn within(&mut self, body: &mut dyn FnMut(&mut dyn Verbs)) -> u64 {
        self.refresh();
        body(self);
        self.app.fired
    }

    fn turn(&mut self) -> Result<u64> {
        self.base.prepare(&mut self.app);
        while self.base.next_action().is_some() {}
        self.refresh();
        self.base.dispatch(&mut self.app);
        Ok(self.app.fired)
    }
}

fn called(app: &mut App, _: &mut Cx<'_, App>, _: Event, _: What) {
    app.fired += 1;
}
