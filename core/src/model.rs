//! Tests a module against a model: a simple implementation that behaves in the same way. Random operations on both must
//! give the same results.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestRunner};

/// Runs `test` on values of `strategy`. Every run uses the same values. A failing value is shrunk.
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
