//! The idle clock, with the feature `idle-clock`.

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
    /// Lends the base a clock until [`take_idle_clock`](Self::take_idle_clock). Every verb called on
    /// the base outside of callbacks then first sets the loop's time to the present. `at` is the
    /// clock's reading at the loop's time. Only differences are used, so the clock's origin does not
    /// matter.
    ///
    /// A back end lends the clock at the end of a turn, if it does not know when the next turn begins.
    /// It takes the clock back when that turn begins.
    pub fn lend_idle_clock(&mut self, read: fn() -> Instant, at: Instant) {
        self.idle_clock.0 = Some(Lent { read, at, now: self.cx.now });
    }

    /// Takes the clock back. The loop's time is again the last time that was fed.
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
