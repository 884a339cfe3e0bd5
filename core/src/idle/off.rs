//! No clock can be lent.

use crate::EventBase;

/// Where a clock that was lent would stand.
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
