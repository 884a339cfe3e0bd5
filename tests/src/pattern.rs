//! Bytes that look random and are the same every time, for payloads whose loss must be detected.
//!
//! A repeated text would hide a lost or duplicated block of its own length. These bytes do not
//! repeat.

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
