//! Holding a module against a naive model: random operations on both, and the same answers.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestRunner};

/// Runs `test` on values of `strategy`, always the same ones. One that fails is made as small as
/// it can be.
pub(crate) fn check<S: Strategy>(strategy: S, test: impl Fn(S::Value)) {
    let config = Config {
        cases: 400,
        rng_seed: RngSeed::Fixed(9995),
        failure_persistence: None,
        ..Config::default()
    };
    let run = TestRunner::new(config).run(&strategy, |value| {
        test(value);
        Ok(())
    });
    if let Err(failure) = run {
        panic!("{failure}");
    }
}
