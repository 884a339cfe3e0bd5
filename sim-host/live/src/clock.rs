//! The loop's clock: the system's monotonic clock, shifted to the base's time.

use std::sync::OnceLock;
use std::time::{Duration, Instant as SystemInstant};

use picoevent::Instant;

/// A clock that continues from the time that a base had when its loop began.
///
/// Before the loop runs, and between two runs, the time of a base stands still. A timer that is armed while the time
/// stands still counts from the base's time. So the clock of a run must start at the base's time. If the clock started
/// at a later time, the timer would fire too early.
pub(super) struct Clock {
    origin: Instant,
    started: Option<SystemInstant>,
}

impl Clock {
    /// Makes a clock that stands still at `origin`.
    pub(super) const fn stopped_at(origin: Instant) -> Self {
        Self { origin, started: None }
    }

    /// Makes a clock that runs from `origin`.
    pub(super) fn started_at(origin: Instant) -> Self {
        // Between two iterations, the base reads the clock [`monotonic_time`] instead of `self`. For the conversion in
        // `lent_at`, the origin of [`monotonic_time`] must not be later than `started`. So the origin is set before
        // `started`.
        monotonic_origin();
        Self { origin, started: Some(SystemInstant::now()) }
    }

    /// Returns whether the clock runs.
    pub(super) const fn is_running(&self) -> bool {
        self.started.is_some()
    }

    /// Returns the current time.
    pub(super) fn now(&self) -> Instant {
        self.started.map_or(self.origin, |started| plus_elapsed(self.origin, started))
    }

    /// Converts the time `now` of this clock to the time of [`monotonic_time`] at the same moment. The result is
    /// rounded up to a microsecond. So the time from the result to a later value of [`monotonic_time`] is never too
    /// long. Reads no clock.
    pub(super) fn lent_at(&self, now: Instant) -> Instant {
        let before = self.started.map_or(Duration::ZERO, |started| started - monotonic_origin());
        let since_start = now.since(self.origin);
        Instant::ZERO.after(before + since_start + Duration::from_micros(1))
    }
}

/// Returns the time since the first call of [`monotonic_origin`] in this process. This function is the clock for
/// [`EventBase::set_idle_clock`], which needs a function without arguments.
///
/// [`EventBase::set_idle_clock`]: picoevent::EventBase::set_idle_clock
pub(super) fn monotonic_time() -> Instant {
    plus_elapsed(Instant::ZERO, monotonic_origin())
}

fn monotonic_origin() -> SystemInstant {
    static FIRST: OnceLock<SystemInstant> = OnceLock::new();
    *FIRST.get_or_init(SystemInstant::now)
}

/// Returns `origin` plus the time since `started`. The result is rounded down to a microsecond, so that no deadline
/// passes too early.
fn plus_elapsed(origin: Instant, started: SystemInstant) -> Instant {
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
        let earlier = monotonic_time();
        while monotonic_time() == earlier {}
        assert_eq!((clock.now(), clock.is_running()), (ORIGIN, false));
    }

    #[test]
    fn a_started_clock_goes_on_from_its_origin_and_never_back() {
        let clock = Clock::started_at(ORIGIN);
        let (first, second) = (clock.now(), clock.now());
        assert!(ORIGIN <= first && first <= second && clock.is_running());
    }
    #[test]
    fn a_lent_clock_goes_on_where_the_loops_clock_was() {
        let clock = Clock::started_at(ORIGIN);
        let (now, before) = (clock.now(), monotonic_time());
        let passed = monotonic_time().since(clock.lent_at(now));
        assert!(ORIGIN.after(passed) <= ORIGIN.after(clock.now().since(now)), "{passed:?}");
        // Two roundings make `lent_at` at most two microseconds too late.
        let lent_at = clock.lent_at(now);
        assert!(lent_at <= before.after(Duration::from_micros(2)), "{lent_at:?} {before:?}");
    }
}
