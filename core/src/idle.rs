//! The clock of a loop that someone drives turn by turn: what time it is between two turns.
//!
//! The core never reads a clock, so between two turns the base's time is that of the last one. An
//! application that has a loop of its own may come back much later, and a timer made then would
//! count from too early a time. A back end whose turns are called one by one therefore lends the
//! base a clock, and every verb called on the base from outside of a turn brings the time up first.
//! libevent does the same: it reads the clock where no time is cached.

use crate::{EventBase, Instant};

/// A clock that was lent.
pub(crate) struct IdleClock {
    read: fn() -> Instant,
    /// What it said when it was lent.
    lent_at: Instant,
    /// The base's time then.
    now: Instant,
}

impl IdleClock {
    /// Returns the base's time now.
    fn now(&self) -> Instant {
        self.now.after((self.read)().since(self.lent_at))
    }
}

impl<A> EventBase<'_, A> {
    /// Lends the base a clock until [`take_idle_clock`](Self::take_idle_clock): from now on every
    /// verb that is called on the base, not in a callback, first sets the loop's time to the
    /// present. Only differences of the clock count, so its origin may be any.
    ///
    /// A back end lends it at the end of a turn, when it does not know when the next one comes, and
    /// takes it back when that begins.
    pub fn lend_idle_clock(&mut self, read: fn() -> Instant) {
        self.idle_clock = Some(IdleClock { read, lent_at: read(), now: self.cx.now });
    }

    /// Takes the clock back. The loop's time is again what is fed.
    pub fn take_idle_clock(&mut self) {
        self.idle_clock = None;
    }

    /// Sets the loop's time to the present, if a clock was lent.
    pub(crate) fn read_idle_clock(&mut self) {
        if let Some(clock) = &self.idle_clock {
            let now = clock.now();
            self.update_now(now);
        }
    }
}
