//! The loop's clock: the system's monotonic one, counted from the base's own time.

use std::time::Instant as Moment;

use picoevent::Instant;

/// A clock that goes on from the time a base had when its loop was started.
///
/// Time stands still for a base while its loop does not run. What an application arms before the
/// loop, or between two runs of it, is armed against that time, so the loop must start from there
/// or be early.
pub(super) struct Clock {
    origin: Instant,
    started: Option<Moment>,
}

impl Clock {
    /// A clock that will start at `origin`.
    pub(super) const fn from(origin: Instant) -> Self {
        Self { origin, started: None }
    }

    /// Starts it, unless it goes already. Who is about to wait does so.
    pub(super) fn start(&mut self) {
        self.started.get_or_insert_with(Moment::now);
    }

    /// The time now; the origin, when this is what starts it.
    pub(super) fn now(&mut self) -> Instant {
        let Some(started) = self.started else {
            self.start();
            return self.origin;
        };
        // Rounded down to a microsecond: a deadline is never thought to have passed before it has.
        let passed = started.elapsed();
        let seconds = passed.as_secs().saturating_mul(1_000_000);
        let micros = seconds.saturating_add(passed.subsec_micros().into());
        Instant::from_micros(self.origin.as_micros().saturating_add(micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_goes_on_from_its_origin_and_never_back() {
        let origin = Instant::from_micros(5_000_000);
        let mut clock = Clock::from(origin);
        let (first, second) = (clock.now(), clock.now());
        assert_eq!(first, origin, "it has not gone before");
        assert!(first <= second);
    }
}
