//! Delays between attempts to connect: exponential backoff with jitter.

use core::time::Duration;

use crate::Cx;

/// The delays of a client that reconnects. Each failure doubles the delay, up to a limit. Each delay is varied randomly
/// by up to a quarter, so that many devices do not reconnect at the same moment (RFC 8085, 3.1).
///
/// Call [`reset`](Self::reset) when the server works, for example at its first answer. Do not call it in
/// [`opened`](crate::Protocol::opened): a server that is full may accept connections and close them, and each of these
/// connections would be followed by the first delay again.
///
/// ```
/// use core::time::Duration;
/// use picoevent::Backoff;
/// # let mut storage = picoevent::Storage::<(), 0, 0, 0, 0>::new();
/// # let mut base = picoevent::EventBase::new(&mut storage);
/// # base.seed(&[7; 32]);
/// # let cx = &mut *base;
///
/// let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
/// let first = backoff.next_delay(cx);
/// assert!(first >= Duration::from_millis(375) && first <= Duration::from_millis(625));
/// // The server has answered:
/// backoff.reset();
/// ```
#[derive(Clone, Debug)]
pub struct Backoff {
    first: u32,
    most: u32,
    failures: u8,
}

impl Backoff {
    /// Makes delays that double from `first` up to `most`. Both durations are rounded up to whole milliseconds. The
    /// random variation comes in addition: the longest delay is `most` and a quarter. A `first` of zero makes all
    /// delays zero.
    pub const fn new(first: Duration, most: Duration) -> Self {
        Self { first: crate::time::millis(first), most: crate::time::millis(most), failures: 0 }
    }

    /// Counts a failure. Returns the delay before the next attempt, varied with the base's random bytes. In a
    /// base without a [seed](crate::EventBase::seed) the delay is not varied.
    pub fn next_delay<A>(&mut self, cx: &mut Cx<'_, A>) -> Duration {
        let failures = self.failures.into();
        let fits = self.first <= self.most.checked_shr(failures).unwrap_or(0);
        let delay = if fits { self.first.checked_shl(failures).unwrap_or(0) } else { self.most };
        if delay < self.most {
            self.failures = self.failures.saturating_add(1);
        }
        let quarter = delay / 4;
        let share = |random: u32| random.checked_rem((delay / 2).saturating_add(1)).unwrap_or(0);
        let spread = cx.random_u32().map_or(quarter, share);
        let least = delay.saturating_sub(quarter);
        Duration::from_millis(u64::from(least).saturating_add(spread.into()))
    }

    /// Resets the count of failures, so that the next delay is the first delay again.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventBase, Storage};

    #[test]
    fn delays_double_up_to_the_limit_and_vary_by_a_quarter() {
        let mut storage = Storage::<(), 0, 0, 0, 0>::new();
        let mut base = EventBase::new(&mut storage);
        base.seed(&[1; 32]);
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
        let mut changed = 0;
        for middle in [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000] {
            let delay = backoff.next_delay(&mut base).as_millis();
            assert!(delay >= middle * 3 / 4 && delay <= middle * 5 / 4, "{delay}, not {middle}");
            changed += u32::from(delay != middle);
        }
        assert!(changed >= 7);
        backoff.reset();
        assert!(backoff.next_delay(&mut base) <= Duration::from_millis(625));
    }

    #[test]
    fn without_a_seed_delays_are_not_changed_at_random() {
        let mut storage = Storage::<(), 0, 0, 0, 0>::new();
        let mut base = EventBase::new(&mut storage);
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(3));
        for middle in [500, 1_000, 2_000, 3_000, 3_000] {
            assert_eq!(backoff.next_delay(&mut base), Duration::from_millis(middle));
        }
    }

    #[test]
    fn the_longest_delays_do_not_overflow() {
        let mut storage = Storage::<(), 0, 0, 0, 0>::new();
        let mut base = EventBase::new(&mut storage);
        base.seed(&[1; 32]);
        let mut backoff = Backoff::new(Duration::MAX, Duration::MAX);
        for _ in 0..100 {
            assert!(
                backoff.next_delay(&mut base) >= Duration::from_millis(u64::from(u32::MAX) * 3 / 4)
            );
        }
        let mut backoff = Backoff::new(Duration::ZERO, Duration::from_secs(1));
        for _ in 0..100 {
            assert_eq!(backoff.next_delay(&mut base), Duration::ZERO);
        }
    }
}
