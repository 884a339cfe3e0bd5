//! Delays between attempts: exponential, with jitter.

use core::time::Duration;

/// The delays of a client that tries again: doubled with each failure, up to a limit, and changed at
/// random by a quarter, so that many devices do not come back in the same moment (RFC 8085, 3.1).
///
/// ```
/// use core::time::Duration;
/// use picoevent::Backoff;
///
/// // The seed differs from device to device: a serial number, or a random number.
/// let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30), 7);
/// let first = backoff.next_delay();
/// assert!(first >= Duration::from_millis(375) && first <= Duration::from_millis(625));
/// // The connection is up again:
/// backoff.reset();
/// ```
#[derive(Clone, Debug)]
pub struct Backoff {
    first: u32,
    most: u32,
    failures: u8,
    random: u32,
}

impl Backoff {
    /// Makes delays from `first` to `most`, in whole milliseconds, rounded up.
    pub const fn new(first: Duration, most: Duration, seed: u32) -> Self {
        let (first, most) = (crate::time::millis(first), crate::time::millis(most));
        // A xorshift generator never leaves zero.
        Self { first, most, failures: 0, random: if seed == 0 { 1 } else { seed } }
    }

    /// Counts a failure, and returns how long to wait before the next attempt.
    pub fn next_delay(&mut self) -> Duration {
        let failures = self.failures.into();
        let fits = self.first <= self.most.checked_shr(failures).unwrap_or(0);
        let delay = if fits { self.first.checked_shl(failures).unwrap_or(0) } else { self.most };
        if delay < self.most {
            self.failures = self.failures.saturating_add(1);
        }
        let spread = self.next_random().checked_rem((delay / 2).saturating_add(1)).unwrap_or(0);
        let least = delay.saturating_sub(delay / 4);
        Duration::from_millis(u64::from(least).saturating_add(spread.into()))
    }

    /// Begins with the first delay again.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// Returns a number of Marsaglia's 32-bit xorshift generator.
    const fn next_random(&mut self) -> u32 {
        self.random ^= self.random.wrapping_shl(13);
        self.random ^= self.random.wrapping_shr(17);
        self.random ^= self.random.wrapping_shl(5);
        self.random
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_limit_and_vary_by_a_quarter() {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30), 0);
        for base in [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000] {
            let delay = backoff.next_delay().as_millis();
            assert!(delay >= base * 3 / 4 && delay <= base * 5 / 4, "{delay} is not near {base}");
        }
        backoff.reset();
        assert!(backoff.next_delay() <= Duration::from_millis(625));
    }

    #[test]
    fn the_longest_delays_do_not_overflow() {
        let mut backoff = Backoff::new(Duration::MAX, Duration::MAX, 1);
        for _ in 0..100 {
            assert!(backoff.next_delay() >= Duration::from_millis(u64::from(u32::MAX) * 3 / 4));
        }
        let mut backoff = Backoff::new(Duration::ZERO, Duration::from_secs(1), 1);
        for _ in 0..100 {
            assert_eq!(backoff.next_delay(), Duration::ZERO);
        }
    }
}
