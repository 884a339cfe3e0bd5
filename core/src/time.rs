//! The loop's time: a point on a monotonic clock, in microseconds.
//!
//! The core has no clock. The back end returns the time ([`Backend::now`](crate::Backend::now)). So an application runs
//! unchanged with a board's timer, a host's clock or a simulator's virtual time.

use core::time::Duration;

/// A point in time: microseconds since an origin that the back end chose.
///
/// 64 bits of microseconds last 584,000 years. Arithmetic saturates at the end instead of wrapping. A deadline beyond
/// the end becomes [`Instant::MAX`]. If the loop's time ever reaches [`Instant::MAX`], all these deadlines are due. A
/// persistent timer cannot get a later deadline, so from that time on its callback runs once in each pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Instant(u64);

impl Instant {
    /// The origin of the clock.
    pub const ZERO: Self = Self(0);

    /// The end of the clock, where arithmetic saturates.
    pub const MAX: Self = Self(u64::MAX);

    /// Makes an instant from microseconds since the origin.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Returns the microseconds since the origin.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Returns the instant that is `delay` later. The delay is rounded up to a whole microsecond, so that no timer
    /// fires early.
    #[must_use]
    pub const fn after(self, delay: Duration) -> Self {
        self.plus(micros(delay))
    }

    /// Returns the instant that is `micros` microseconds later.
    pub(crate) const fn plus(self, micros: u64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// Returns the instant that is `millis` milliseconds later. The function is not inlined, because 64-bit arithmetic
    /// takes many instructions on a small core.
    #[inline(never)]
    pub(crate) const fn plus_millis(self, millis: u32) -> Self {
        self.plus((millis as u64).wrapping_mul(1_000))
    }

    /// Returns the time from `earlier` to this instant; zero when `earlier` is not earlier.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// Converts a duration to microseconds, rounded up, saturating.
///
/// `Duration::as_micros` computes in 128 bits, which is expensive on a small core. This function is not inlined,
/// because a copy of its code in each method that takes a duration would make the firmware larger.
#[inline(never)]
pub(crate) const fn micros(delay: Duration) -> u64 {
    let fraction = delay.subsec_nanos().div_ceil(1_000);
    delay.as_secs().saturating_mul(1_000_000).saturating_add(fraction as u64)
}

/// Converts a duration to milliseconds, rounded up, saturating.
#[inline(never)]
pub(crate) const fn millis(delay: Duration) -> u32 {
    let fraction = delay.subsec_nanos().div_ceil(1_000_000);
    let millis = delay.as_secs().saturating_mul(1_000).saturating_add(fraction as u64);
    if millis > u32::MAX as u64 { u32::MAX } else { millis as u32 }
}

/// Converts milliseconds to a duration; `None` for zero.
pub(crate) const fn duration_of(millis: u32) -> Option<Duration> {
    if millis == 0 { None } else { Some(Duration::from_millis(millis as u64)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_of_a_microsecond_is_rounded_up() {
        assert_eq!(Instant::ZERO.after(Duration::from_nanos(1)), Instant::from_micros(1));
        assert_eq!(Instant::ZERO.after(Duration::from_nanos(2_001)), Instant::from_micros(3));
        assert_eq!(Instant::ZERO.after(Duration::new(1, 999_999_999)).as_micros(), 2_000_000);
    }

    #[test]
    fn the_clock_saturates_at_its_end() {
        assert_eq!(Instant::MAX.after(Duration::from_secs(1)), Instant::MAX);
        assert_eq!(Instant::ZERO.after(Duration::MAX), Instant::MAX);
    }

    #[test]
    fn since_never_goes_below_zero() {
        let (early, late) = (Instant::from_micros(5), Instant::from_micros(9));
        assert_eq!(late.since(early), Duration::from_micros(4));
        assert_eq!(early.since(late), Duration::ZERO);
    }
}
