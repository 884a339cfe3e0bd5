//! The dispatch limit: how much of a pass may run before the loop looks for news again.

use core::time::Duration;

use crate::{Cx, Instant, Priority};

/// What bounds a pass (`event_config_set_max_dispatch_interval`). Without one a pass runs all that
/// is due at its level. What the limit leaves stays due, first in its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DispatchLimit {
    /// Callbacks of one pass at most; the repeats of a signal count as one. A pass that has
    /// something to run runs one at least. `None` for no limit.
    pub callbacks: Option<u32>,
    /// How long after its beginning a pass may call once more. It is looked at after each callback,
    /// by the time that [`EventBase::dispatch_with`](crate::EventBase::dispatch_with) is given.
    /// `None` for no limit.
    pub time: Option<Duration>,
    /// The limit holds for this level and those less urgent. libevent's default is level 1.
    pub priority: Priority,
}

/// The limit, and how far the pass is.
pub(crate) struct Limit {
    limit: Option<DispatchLimit>,
    since: Instant,
}

impl Limit {
    pub(crate) const fn new() -> Self {
        Self { limit: None, since: Instant::ZERO }
    }

    /// A pass begins.
    pub(crate) const fn begin(&mut self, now: Instant) {
        self.since = now;
    }

    /// Whether the time is asked for after each callback.
    pub(crate) fn needs_time(&self) -> bool {
        self.limit.is_some_and(|limit| limit.time.is_some())
    }

    /// Whether a pass at `level` that has called so many callbacks has had what it may have.
    fn is_reached(&self, level: u8, calls: u32, now: Instant) -> bool {
        let Some(limit) = self.limit.filter(|limit| level >= limit.priority.level()) else {
            return false;
        };
        let called = limit.callbacks.is_some_and(|most| calls >= most);
        let late = limit.time.is_some_and(|time| now >= self.since.after(time));
        calls > 0 && (called || late)
    }
}

impl<A> Cx<'_, A> {
    /// Bounds what runs before the loop looks for news again, or takes the bound away.
    pub fn set_dispatch_limit(&mut self, limit: Option<DispatchLimit>) {
        self.limit.limit = limit;
        self.parts.limit_reached =
            Some(|cx, level| cx.limit.is_reached(level, cx.course.calls, cx.now));
        self.course.attention = true;
    }
}
