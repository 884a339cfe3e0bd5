//! Processor time.

use std::sync::OnceLock;

use rustix::time::{ClockId, clock_gettime};

/// Returns the processor time that this process has used, in nanoseconds. The time of other processes is not included.
fn cpu_nanos() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// Runs `work`, and returns the processor time that it takes, in nanoseconds. Reading the time is a system call. The
/// cost of this call is subtracted, because it is as large as the cost of cancelling about a hundred timers.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    static OVERHEAD: OnceLock<f64> = OnceLock::new();
    let overhead = *OVERHEAD.get_or_init(|| {
        let twice = || -cpu_nanos() + cpu_nanos();
        (0..1_000).map(|_| twice()).fold(f64::MAX, f64::min)
    });
    let start = cpu_nanos();
    let done = work();
    (done, (cpu_nanos() - start - overhead).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_passes_with_work() {
        let mut random = fastrand::Rng::with_seed(1);
        let work = || (0..100_000).map(|_| random.u64(..7)).sum::<u64>();
        let (sum, nanos) = timed(work);
        assert!(sum > 0 && nanos > 0.0);
    }
}
