//! The replacement without the feature `idle-clock`: there is no clock.

use crate::EventBase;

/// Replaces the clock. It is empty.
#[derive(Clone, Copy)]
pub(crate) struct IdleClock;

impl IdleClock {
    pub(crate) const NONE: Self = Self;
}

impl<A> EventBase<'_, A> {
    pub(crate) const fn read_idle_clock(&mut self) {
        let IdleClock = self.idle_clock;
    }
}
