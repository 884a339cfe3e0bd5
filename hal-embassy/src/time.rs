//! The loop's time on embassy-time's clock, for any tick rate.

use core::pin::pin;
use core::task::{Context, Waker};
use core::time::Duration;

use embassy_time::Timer;
use picoevent::Instant;

/// Returns the time `micros` microseconds after `at`, or the end of the clock.
#[inline(never)]
pub(crate) fn after(at: Instant, micros: u64) -> Instant {
    Instant::from_micros(at.as_micros().saturating_add(micros))
}

/// Returns a duration in microseconds, rounded up, saturating.
pub(crate) fn micros(duration: Duration) -> u64 {
    Instant::ZERO.after(duration).as_micros()
}

/// Returns the current time.
pub(crate) fn now() -> Instant {
    Instant::from_micros(embassy_time::Instant::now().as_micros())
}

/// Wakes the task at `deadline`, or at the first tick after it: an earlier wake would be useless. A
/// deadline beyond the end of embassy-time's clock never comes.
pub(crate) fn wake_at(deadline: Instant, task: &Waker) {
    let micros = deadline.as_micros();
    let Some(at) = embassy_time::Instant::try_from_micros(micros) else { return };
    let early = u64::from(at.as_micros() < micros);
    let at = embassy_time::Instant::from_ticks(at.as_ticks().saturating_add(early));
    // The first poll registers the wake with the time driver; the timer itself can be dropped.
    let scheduled = pin!(Timer::at(at)).poll(&mut Context::from_waker(task));
    debug_assert!(scheduled.is_pending(), "a timer is never ready at its first poll");
}

/// Converts a duration of the configuration to embassy-time's, saturating.
pub(crate) fn duration(duration: Duration) -> embassy_time::Duration {
    embassy_time::Duration::try_from_micros(micros(duration)).unwrap_or(embassy_time::Duration::MAX)
}
