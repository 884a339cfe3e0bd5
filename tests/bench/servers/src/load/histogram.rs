//! How long operations took, to 1.6 %, in fixed memory.
//!
//! Each power of two of nanoseconds has 64 buckets. A quantile is the upper end of its bucket, so it
//! is never less than what was measured.

use std::time::Duration;

/// Buckets of a power of two.
const PARTS: u64 = 64;
const BITS: u32 = PARTS.trailing_zeros();

/// Counts of durations.
#[derive(Debug, Default, Clone)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    /// Counts one.
    pub fn record(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let bucket = bucket(nanos);
        if bucket >= self.counts.len() {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += 1;
        self.total += 1;
    }

    /// How many were counted.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// What `share` of them, of 1, did not exceed; nothing of nothing.
    pub fn quantile(&self, share: f64) -> Duration {
        let wanted = (share * self.total as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return Duration::from_nanos(end(bucket));
            }
        }
        Duration::ZERO
    }
}

/// Small ones have a bucket each, then the highest bits choose.
fn bucket(nanos: u64) -> usize {
    let shift = (u64::BITS - nanos.leading_zeros()).saturating_sub(BITS + 1);
    (u64::from(shift) * PARTS + (nanos >> shift)) as usize
}

/// The most that falls into a bucket.
const fn end(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let shift = (bucket / PARTS).saturating_sub(1);
    let first = (bucket - shift * PARTS) << shift;
    first + ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_ends_at_or_after_what_is_in_it_and_not_far() {
        for nanos in (0..3_000).chain((3_000..5_000_000_000).step_by(99_991)) {
            let end = end(bucket(nanos));
            assert!(end >= nanos && end - nanos <= nanos / 64, "{nanos} is put at {end}");
        }
    }

    #[test]
    fn buckets_are_in_order_without_a_gap() {
        let mut last = 0;
        for nanos in 0..100_000 {
            let bucket = bucket(nanos);
            assert!(bucket == last || bucket == last + 1, "{nanos}");
            last = bucket;
        }
    }

    #[test]
    fn quantiles_are_those_of_what_was_recorded() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), Duration::ZERO);
        for micros in 1..=1000 {
            histogram.record(Duration::from_micros(micros));
        }
        assert_eq!(histogram.total(), 1000);
        for (share, micros) in [(0.5, 500), (0.99, 990), (1.0, 1000)] {
            let exact = Duration::from_micros(micros);
            let found = histogram.quantile(share);
            assert!(found >= exact && found - exact <= exact / 64, "{share}: {found:?}");
        }
    }
}
