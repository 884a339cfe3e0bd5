//! Pseudo-random bytes, determined by a seed, for payloads whose loss must be detected.
//!
//! With a repeated text, the loss or duplication of one period would not be noticed. These bytes do
//! not repeat.

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
