//! The idle clock, with the feature `idle-clock`.

use crate::{EventBase, Instant};

/// The clock that the back end has given to the base, if there is one.
pub(crate) struct IdleClock(Option<Clock>);

struct Clock {
    read: fn() -> Instant,
    /// The value of this clock at the loop's time `now`.
    at: Instant,
    /// The loop's time when the clock was set.
    now: Instant,
}

impl IdleClock {
    pub(crate) const NONE: Self = Self(None);
}

impl<A> EventBase<'_, A> {
    /// Gives the base a clock, until [`remove_idle_clock`](Self::remove_idle_clock) removes it. While the base has a
    /// clock, methods that may change the base first set the loop's time to the current time, if they are called
    /// outside of callbacks. `at` is the value of the clock at the loop's time. Only the difference between two values
    /// of the clock is used, so the clock can have any origin.
    ///
    /// A back end gives the clock to the base at the end of an iteration, if it does not know when the next iteration
    /// begins. The back end removes the clock when the next iteration begins.
    pub fn set_idle_clock(&mut self, read: fn() -> Instant, at: Instant) {
        self.idle_clock.0 = Some(Clock { read, at, now: self.cx.now });
    }

    /// Removes the clock. From now on, the loop's time does not change until the next iteration sets it.
    pub fn remove_idle_clock(&mut self) {
        self.idle_clock = IdleClock::NONE;
    }

    /// Sets the loop's time to the current time, if the base has a clock.
    pub(crate) fn read_idle_clock(&mut self) {
        if let Some(Clock { read, at, now }) = self.idle_clock.0 {
            self.update_now(now.after(read().since(at)));
        }
    }
}
