//! Converts between the loop's time and embassy-time's clock, for any tick rate.

use core::pin::pin;
use core::task::{Context, Waker};
use core::time::Duration;

use embassy_time::Timer;
use picoevent::Instant;

/// A point in time, in units of 64 µs. The value wraps around after three days. So two stamps are never compared with
/// each other. Instead, the code compares ages. The age of a stamp is the wrapping difference between the current time
/// and the stamp, in units of 64 µs.
pub(crate) type Stamp = u32;

/// The number of microseconds in a unit of [`Stamp`], as an exponent of two.
const UNIT_SHIFT: u32 = 6;

/// Returns the time as a stamp.
pub(crate) fn stamp(time: Instant) -> Stamp {
    time.as_micros().wrapping_shr(UNIT_SHIFT) as u32
}

/// Returns the time that is `units` units of [`Stamp`] after `time`, rounded down to a whole unit. Returns
/// [`Instant::MAX`] if `units` is [`NEVER`].
pub(crate) fn after(time: Instant, units: u32) -> Instant {
    if units == NEVER {
        return Instant::MAX;
    }
    let unit = time.as_micros().wrapping_shr(UNIT_SHIFT).saturating_add(units.into());
    Instant::from_micros(unit.wrapping_shl(UNIT_SHIFT))
}

/// The largest age. As a time limit, it means that there is no limit.
pub(crate) const NEVER: u32 = u32::MAX;

/// Converts milliseconds to units of [`Stamp`].
pub(crate) const fn millis(millis: u32) -> u32 {
    (millis as u64).wrapping_mul(1_000).wrapping_shr(UNIT_SHIFT) as u32
}

/// Converts a duration to units of [`Stamp`]. Returns [`NEVER`] for three days and more.
pub(crate) fn age(duration: Duration) -> u32 {
    u32::try_from(micros(duration).wrapping_shr(UNIT_SHIFT)).unwrap_or(NEVER)
}

/// Returns a duration in microseconds, rounded up, saturating.
fn micros(duration: Duration) -> u64 {
    Instant::ZERO.after(duration).as_micros()
}

/// The loop's clock: embassy-time's clock, shifted so that it shows the base's time when the run begins. So the time
/// between two runs does not count for the timers of the base.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    /// The number of microseconds that embassy-time's clock is ahead of the loop's clock.
    offset: i64,
}

impl Clock {
    /// embassy-time's clock without a shift.
    pub(crate) const UNSHIFTED: Self = Self { offset: 0 };

    /// Makes a clock that shows `now` at this moment.
    pub(crate) fn at(now: Instant) -> Self {
        Self { offset: micros_now().wrapping_sub(now.as_micros()).cast_signed() }
    }

    /// Returns the current time.
    #[inline(never)]
    pub(crate) fn now(self) -> Instant {
        Instant::from_micros(micros_now().wrapping_sub(self.offset.cast_unsigned()))
    }

    /// Wakes the task at `deadline`, or at the first tick after `deadline`, but never earlier. Does nothing for a
    /// deadline beyond the end of embassy-time's clock.
    pub(crate) fn wake_at(self, deadline: Instant, task: &Waker) {
        let Some(micros) = deadline.as_micros().checked_add_signed(self.offset) else { return };
        let Some(at) = embassy_time::Instant::try_from_micros(micros) else { return };
        let round_up = u64::from(at.as_micros() < micros);
        let at = embassy_time::Instant::from_ticks(at.as_ticks().saturating_add(round_up));
        // The first poll registers the wake with the time driver; the timer itself can be dropped.
        let scheduled = pin!(Timer::at(at)).poll(&mut Context::from_waker(task));
        debug_assert!(scheduled.is_pending(), "a timer is never ready at its first poll");
    }
}

fn micros_now() -> u64 {
    embassy_time::Instant::now().as_micros()
}

/// Converts a duration of the configuration to a duration of embassy-time, saturating.
pub(crate) fn duration(duration: Duration) -> embassy_time::Duration {
    embassy_time::Duration::try_from_micros(micros(duration)).unwrap_or(embassy_time::Duration::MAX)
}
