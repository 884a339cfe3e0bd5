//! Pseudo-random bytes for payloads. A seed determines the bytes.
//!
//! In a repeated text, the loss or duplication of one period would not be detected. These bytes do not repeat.

/// Returns `length` bytes, determined by `seed` alone.
///
/// ```
/// use picoevent_tests::pattern::pattern;
///
/// assert_eq!(pattern(7, 100), pattern(7, 1000)[..100]);
/// assert_ne!(pattern(7, 100), pattern(8, 100));
/// ```
pub fn pattern(seed: u64, length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    std::iter::repeat_with(|| random.u8(..)).take(length).collect()
}
