//! The loop's clock: the system's monotonic clock, shifted to the base's time.

use std::sync::OnceLock;
use std::time::{Duration, Instant as Moment};

use picoevent::Instant;

/// A clock that continues from the time a base had when its loop began.
///
/// Before the loop runs, and between two runs, a base's time stands still. Timers that an application
/// arms then count from that time, so the clock must continue from there, or deadlines would be
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

    /// Makes a clock that runs from `origin`.
    pub(super) fn started_at(origin: Instant) -> Self {
        // The clock that is lent to the base must not start later than this clock. So start the lent clock first, if
        // it has not started yet.
        first_asked();
        Self { origin, started: Some(Moment::now()) }
    }

    /// Returns whether the clock runs.
    pub(super) const fn goes(&self) -> bool {
        self.started.is_some()
    }

    /// Returns the current time.
    pub(super) fn now(&self) -> Instant {
        self.started.map_or(self.origin, |started| plus_elapsed(self.origin, started))
    }

    /// Returns the value that [`since_first_asked`] had when this clock was at `now`. It is rounded up to a
    /// microsecond, so that the time that has passed since then is never too long. Reads no clock.
    pub(super) fn lent_at(&self, now: Instant) -> Instant {
        let before = self.started.map_or(Duration::ZERO, |started| started - first_asked());
        let since_start = now.since(self.origin);
        Instant::ZERO.after(before + since_start + Duration::from_micros(1))
    }
}

/// Returns the time since the first call in this process, for [`EventBase::lend_idle_clock`], which
/// takes a function.
///
/// [`EventBase::lend_idle_clock`]: picoevent::EventBase::lend_idle_clock
pub(super) fn since_first_asked() -> Instant {
    plus_elapsed(Instant::ZERO, first_asked())
}

fn first_asked() -> Moment {
    static FIRST: OnceLock<Moment> = OnceLock::new();
    *FIRST.get_or_init(Moment::now)
}

/// Returns `origin` plus the time since `started`, rounded down to a microsecond: a deadline must not
/// count as passed before it has.
fn plus_elapsed(origin: Instant, started: Moment) -> Instant {
    let passed = started.elapsed();
    let seconds = passed.as_secs().saturating_mul(1_000_000);
    let micros = seconds.saturating_add(passed.subsec_micros().into());
    Instant::from_micros(origin.as_micros().saturating_add(micros))
}

#[cfg(test)]
mod tests {
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
        // Two roundings make it at most two microseconds too late.
        let lent_at = clock.lent_at(now);
        assert!(lent_at <= before.after(Duration::from_micros(2)), "{lent_at:?} {before:?}");
    }
}
