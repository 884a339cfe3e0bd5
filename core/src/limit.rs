//! The dispatch limit: the number of callbacks, or the time, after which a pass ends and the loop checks for new
//! events.

use core::time::Duration;

use crate::time::micros;
use crate::{Cx, Instant, Priority};

/// The limit of a pass (`event_config_set_max_dispatch_interval`). Without a limit, a pass runs all callbacks that are
/// due at its level. When a pass reaches the limit, the callbacks that have not run yet stay due, at the front of their
/// queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DispatchLimit {
    /// The maximum number of callbacks of one pass; repeated calls for one signal count as one. A pass
    /// runs at least one callback, if one is due. `None` for no limit.
    pub callbacks: Option<u32>,
    /// The time after which a pass starts no further callback, counted from the beginning of the pass. After each
    /// callback, the loop reads [`Backend::now`](crate::Backend::now) and checks this limit. The limit does not
    /// interrupt repeated calls for one signal. `None` for no limit.
    pub time: Option<Duration>,
    /// The limit applies to passes of this priority level and of less urgent levels. Passes of more urgent levels have
    /// no limit. libevent calls this level `min_priority`; its default is level 1.
    pub priority: Priority,
}

/// The limit, and when the pass began.
pub(crate) struct Limit {
    /// The time, in microseconds, after which a pass starts no further callback; `u64::MAX` for no limit.
    time: u64,
    since: Instant,
    /// The maximum number of callbacks of a pass; `u32::MAX` for no limit.
    callbacks: u32,
    level: u8,
}

impl Limit {
    pub(crate) const fn new() -> Self {
        Self { time: u64::MAX, since: Instant::ZERO, callbacks: u32::MAX, level: 0 }
    }

    /// Stores the time at which a pass begins.
    pub(crate) const fn begin(&mut self, now: Instant) {
        self.since = now;
    }

    fn set(&mut self, limit: Option<DispatchLimit>) {
        let Self { since, .. } = *self;
        *self = Self { since, ..Self::new() };
        if let Some(limit) = limit {
            self.time = limit.time.map_or(u64::MAX, micros);
            self.callbacks = limit.callbacks.unwrap_or(u32::MAX);
            self.level = limit.priority.level();
        }
    }

    /// Returns whether the limit has a time. If the limit has a time, the current time is needed after each callback.
    pub(crate) const fn needs_time(&self) -> bool {
        self.time < u64::MAX
    }

    /// Returns whether a pass at `level` that has called `calls` callbacks has reached the limit.
    fn is_reached(&self, level: u8, calls: u32, now: Instant) -> bool {
        let is_time_over = self.needs_time() && now >= self.since.plus(self.time);
        level >= self.level && calls > 0 && (calls >= self.callbacks || is_time_over)
    }
}

impl<A> Cx<'_, A> {
    /// Sets or removes the limit of a pass. At the limit the pass ends, and the loop checks for new events.
    pub fn set_dispatch_limit(&mut self, limit: Option<DispatchLimit>) {
        if self.hooks.limit_reached.is_none() {
            // The beginning of the current pass was not stored, because there was no limit.
            self.limit.begin(self.now);
        }
        self.limit.set(limit);
        self.hooks.limit_reached = Some(|cx, level| cx.limit.is_reached(level, cx.calls, cx.now));
        self.state.slow = true;
    }
}
