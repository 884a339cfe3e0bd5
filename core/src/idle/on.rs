//! With the feature `idle-clock`: a clock can be lent.

use crate::{EventBase, Instant};

/// The lent clock, if there is one.
pub(crate) struct IdleClock(Option<Lent>);

struct Lent {
    read: fn() -> Instant,
    /// The clock's time at `now`.
    at: Instant,
    /// The base's time when the clock was lent.
    now: Instant,
}

impl IdleClock {
    pub(crate) const NONE: Self = Self(None);
}

impl<A> EventBase<'_, A> {
    /// Lends the base a clock until [`take_idle_clock`](Self::take_idle_clock): from now on every
    /// verb that is called on the base, not in a callback, first sets the loop's time to the
    /// present. Only differences of the clock are used, so its origin does not matter: `at` is what it
    /// showed at the loop's time.
    /// A back end lends it at the end of a turn, when it does not know when the next one comes, and
    /// takes it back when that begins.
    pub fn lend_idle_clock(&mut self, read: fn() -> Instant, at: Instant) {
        self.idle_clock.0 = Some(Lent { read, at, now: self.cx.now });
    }

    /// Takes the clock back. From now on the loop's time is the one that is fed.
    pub fn take_idle_clock(&mut self) {
        self.idle_clock = IdleClock::NONE;
    }

    /// Sets the loop's time to the present, if a clock was lent.
    pub(crate) fn read_idle_clock(&mut self) {
        if let Some(Lent { read, at, now }) = self.idle_clock.0 {
            self.update_now(now.after(read().since(at)));
        }
    }
}
