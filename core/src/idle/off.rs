//! Without the feature `idle-clock`: no clock can be lent.

use crate::EventBase;

/// Stands in for the clock.
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
