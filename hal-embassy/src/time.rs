//! The loop's time on embassy-time's clock, whatever that clock's tick is.

use core::pin::pin;
use core::task::Context;
use core::time::Duration;

use embassy_time::Timer;
use picoevent::Instant;

use crate::config::Config;

/// The time of a turn, and until when may last what ends in it.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: Instant,
    /// When a connection closed now is given up.
    pub(crate) until: Instant,
}

impl Moment {
    /// This moment.
    #[inline(never)]
    pub(crate) fn now(config: &Config) -> Self {
        let now = now();
        Self { now, until: after(now, config.linger) }
    }
}

/// [`Instant::after`], once: its 64-bit arithmetic takes more code than a call.
#[inline(never)]
pub(crate) fn after(at: Instant, delay: Duration) -> Instant {
    at.after(delay)
}

/// The time now.
pub(crate) fn now() -> Instant {
    Instant::from_micros(embassy_time::Instant::now().as_micros())
}

/// Wakes the task at `deadline`, or at the first tick after it: a wake before it would be for
/// nothing. A deadline beyond the end of embassy-time's clock never comes.
pub(crate) fn wake_at(deadline: Instant, cx: &mut Context<'_>) {
    let micros = deadline.as_micros();
    let Some(at) = embassy_time::Instant::try_from_micros(micros) else { return };
    let early = u64::from(at.as_micros() < micros);
    let at = embassy_time::Instant::from_ticks(at.as_ticks().saturating_add(early));
    // The first poll hands the wake to the time driver; the timer itself need not live on.
    let scheduled = pin!(Timer::at(at)).poll(cx);
    debug_assert!(scheduled.is_pending(), "a timer is never ready at its first poll");
}

/// A duration of the configuration as embassy-time's, saturating.
pub(crate) fn duration(duration: Duration) -> embassy_time::Duration {
    let micros = Instant::ZERO.after(duration).as_micros();
    embassy_time::Duration::try_from_micros(micros).unwrap_or(embassy_time::Duration::MAX)
}
