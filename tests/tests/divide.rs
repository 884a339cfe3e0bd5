//! Tests of the division routine that QEMU boards use instead of the compiler's routine.

#[path = "../../examples/boards/support/src/arm/divide.rs"]
mod divide;

use divide::divide;

/// Returns numbers at and around every power of two, and a few other numbers.
fn numbers() -> Vec<u64> {
    let powers = (0..64).map(|bit| 1_u64 << bit);
    let around = powers.flat_map(|power| [power - 1, power, power + 1, power + power / 2]);
    around.chain([25, 1_000, 1_000_000, u64::MAX, u64::MAX - 1]).collect()
}

#[test]
fn the_division_gives_the_same_results_as_the_compilers() {
    let numbers = numbers();
    for &numerator in &numbers {
        for &divisor in numbers.iter().filter(|divisor| **divisor > 0) {
            let expected = (numerator / divisor, numerator % divisor);
            assert_eq!(divide(numerator, divisor), expected, "{numerator} / {divisor}");
        }
    }
}
