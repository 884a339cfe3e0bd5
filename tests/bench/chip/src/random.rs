//! Random periods for timers. The periods are the same in every run.

use core::hint::black_box;

use crate::meter::{Harness, Report};

/// The part of the harness that computes a random period. A workload that computes a period for each timer names this
/// harness, so that the cost of the computation is subtracted.
pub const PERIOD: Harness = Harness::Named("a random period");

/// The linear congruential generator of Numerical Recipes.
pub struct Random(u32);

impl Random {
    /// Makes a generator with this seed.
    pub const fn new(seed: u32) -> Self {
        Self(seed)
    }

    /// Returns the next period, from 1 to 1000 microseconds.
    #[inline(always)]
    pub fn period(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Only the upper bits are random enough. The multiplication scales these bits without a division.
        (((self.0 >> 16) * 1_000) >> 16) + 1
    }
}

/// Reports the cost of computing a period.
pub fn report(report: &mut Report) {
    let mut random = Random::new(1);
    report.harness("a random period", Harness::Loop, 10_000, || {
        black_box(random.period());
    });
}
