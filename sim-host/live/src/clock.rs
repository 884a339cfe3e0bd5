//! The loop's clock: the system's monotonic clock, shifted to the base's time.

use std::sync::OnceLock;

use picoevent::Instant;
use rustix::time::{ClockId, clock_gettime};

/// A clock that continues from the base's time at the start of the loop.
///
/// Before the loop runs, and between two runs, a base's time does not advance. Timers that are
/// armed then count from that time, so the clock must continue from it. Otherwise they would fire
/// early.
pub(super) struct Clock {
    origin: Instant,
    started: Option<Moment>,
}

impl Clock {
    /// Makes a clock that stands still at `origin`.
    pub(super) const fn stopped_at(origin: Instant) -> Self {
        Self { origin, started: None }
    }

    /// Makes a clock that starts at `origin`.
    pub(super) fn started_at(origin: Instant) -> Self {
        // The first call must come no later than the start of this clock.
        first_asked();
        Self { origin, started: Some(Moment::begin()) }
    }

    /// Returns whether the clock runs.
    pub(super) const fn goes(&self) -> bool {
        self.started.is_some()
    }

    /// Returns the current time.
    pub(super) fn now(&self) -> Instant {
        let passed = self.started.map_or(0, Moment::elapsed);
        Instant::from_micros(self.origin.as_micros().saturating_add(passed))
    }

    /// Returns the value of [`since_first_asked`] at the time when this clock showed `now`, rounded
    /// up to a microsecond. So the time that has passed since then is never too long. Reads no
    /// clock.
    pub(super) fn lent_at(&self, now: Instant) -> Instant {
        let before = self.started.map_or(0, |started| started.since(first_asked()));
        let since_start = now.as_micros().saturating_sub(self.origin.as_micros());
        Instant::from_micros(before.saturating_add(since_start).saturating_add(1))
    }
}

/// Returns the time since the first call in this process. It is a function without state, as
/// [`EventBase::lend_idle_clock`] needs it.
///
/// [`EventBase::lend_idle_clock`]: picoevent::EventBase::lend_idle_clock
pub(super) fn since_first_asked() -> Instant {
    Instant::from_micros(first_asked().elapsed())
}

fn first_asked() -> Moment {
    static FIRST: OnceLock<Moment> = OnceLock::new();
    *FIRST.get_or_init(Moment::begin)
}

/// A time of the system's monotonic clock, in whole microseconds. Every turn reads it, and a number
/// is cheaper than `std`'s type.
#[derive(Clone, Copy)]
struct Moment(u64);

impl Moment {
    /// Returns the current time, rounded up, so that the time since then is rounded down: a
    /// deadline must not count as passed too early.
    fn begin() -> Self {
        Self(micros(999))
    }

    /// Returns the microseconds from this moment to now.
    fn elapsed(self) -> u64 {
        micros(0).saturating_sub(self.0)
    }

    /// Returns the microseconds from `earlier` to this moment.
    const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Reads the clock, adds `nanos` nanoseconds, and returns microseconds.
fn micros(nanos: u64) -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    // Neither value is negative: the clock counts from the start of the system.
    time.tv_sec as u64 * 1_000_000 + (time.tv_nsec as u64 + nanos) / 1_000
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const ORIGIN: Instant = Instant::from_micros(5_000_000);

    #[test]
    fn a_stopped_clock_stands_still() {
        let clock = Clock::stopped_at(ORIGIN);
        let earlier = since_first_asked();
        while since_first_asked() == earlier {}
        assert_eq!((clock.now(), clock.goes()), (ORIGIN, false));
    }

    #[test]
    fn a_started_clock_goes_on_from_its_origin_and_never_back() {
        let clock = Clock::started_at(ORIGIN);
        let (first, second) = (clock.now(), clock.now());
        assert!(ORIGIN <= first && first <= second && clock.goes());
    }

    #[test]
    fn a_lent_clock_goes_on_where_the_loops_clock_was() {
        let clock = Clock::started_at(ORIGIN);
        let (now, before) = (clock.now(), since_first_asked());
        let passed = since_first_asked().since(clock.lent_at(now));
        assert!(ORIGIN.after(passed) <= ORIGIN.after(clock.now().since(now)), "{passed:?}");
        // The difference is at most two roundings.
        let lent_at = clock.lent_at(now);
        assert!(lent_at <= before.after(Duration::from_micros(2)), "{lent_at:?} {before:?}");
    }
}
