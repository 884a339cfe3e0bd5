//! Processor time, and luck.

use std::sync::OnceLock;

use rustix::time::{ClockId, clock_gettime};

/// The processor time that this process has used, in nanoseconds: what other processes do in the
/// meantime is not in it.
fn cpu_nanos() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// The processor time that work takes, in nanoseconds. Asking for the time is a system call, and is
/// taken off: a hundred cancelled timers take no longer.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    static ASKING: OnceLock<f64> = OnceLock::new();
    let asking = *ASKING.get_or_init(|| {
        let twice = || -cpu_nanos() + cpu_nanos();
        (0..1_000).map(|_| twice()).fold(f64::MAX, f64::min)
    });
    let start = cpu_nanos();
    let done = work();
    (done, (cpu_nanos() - start - asking).max(0.0))
}

/// Random numbers: Marsaglia's xorshift with 64 bits. The same seed gives the same numbers.
pub struct Random(u64);

impl Random {
    /// Begins from a seed; zero is as good as any other.
    pub fn new(seed: u64) -> Self {
        Self(88_172_645_463_325_252 ^ seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// A number below `bound`, which is not zero.
    pub fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 32) % u64::from(bound)) as u32
    }

    /// Puts things in an order of chance.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            things.swap(last, self.below(last as u32 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffling_loses_nothing_and_a_seed_gives_one_order() {
        let order = |seed| {
            let mut things: Vec<u32> = (0..100).collect();
            Random::new(seed).shuffle(&mut things);
            things
        };
        let mut sorted = order(0);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
        assert_eq!(order(0), order(0));
        assert_ne!(order(0), order(1));
    }

    #[test]
    fn processor_time_passes_with_work() {
        let mut random = Random::new(1);
        let work = || (0..100_000).map(|_| u64::from(random.below(7))).sum::<u64>();
        let (sum, nanos) = timed(work);
        assert!(sum > 0 && nanos > 0.0);
    }
}
