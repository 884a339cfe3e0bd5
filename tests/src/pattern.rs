//! Bytes that look random and are the same every time, for payloads whose loss must show.
//!
//! A repeated text would hide a lost or doubled block of its own length; these bytes do not repeat.

/// Returns `length` bytes that `seed` alone decides (the SplitMix64 generator).
///
/// ```
/// use picoevent_tests::pattern::pattern;
///
/// assert_eq!(pattern(7, 100), pattern(7, 1000)[..100]);
/// assert_ne!(pattern(7, 100), pattern(8, 100));
/// ```
pub fn pattern(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let words = std::iter::repeat_with(|| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    });
    words.flat_map(u64::to_le_bytes).take(length).collect()
}
