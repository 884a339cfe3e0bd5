//! The replacement of the idle clock without the feature `idle-clock`: there is no clock.

use crate::EventBase;

/// An empty type that replaces the clock.
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
