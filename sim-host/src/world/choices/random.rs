//! Random numbers from SplitMix64, implemented here so that the sequence never changes.
//!
//! A seed must give the same numbers in every version of this package. The generator of another crate might give other
//! numbers in a later version of that crate.

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Returns the stream of a seed with the number `name`. Streams with different numbers are different.
    pub fn new(seed: u64, name: u64) -> Self {
        let mut mixer = Self(seed ^ name.wrapping_mul(0xd6e8_feb8_6659_fd93));
        Self(mixer.next())
    }

    /// Returns the next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Returns a number below `bound`, or zero if `bound` is zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The result is the high half of the product. The bias is at most 2^-32 for the bounds used here.
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// Returns a number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// Returns true with a probability of `per_mille` / 1000.
    pub fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// Returns a number from `low` to `high`. The ranges from `low` to `2 * low`, from `2 * low` to `4 * low` and so
    /// on are equally likely.
    pub fn spread(&mut self, low: u64, high: u64) -> u64 {
        let (low, high) = (low.max(1), high.max(1));
        let octaves = u64::from((high / low).max(1).ilog2());
        let base = low << self.below(octaves + 1);
        (base + self.below(base)).min(high)
    }
}

/// Mixes the bits of a word: each input bit affects all output bits.
pub(crate) fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_frozen() {
        let mut random = Random(0);
        assert_eq!(random.next(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(random.next(), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn numbers_stay_within_their_bounds() {
        let mut random = Random::new(7, 1);
        for _ in 0..1000 {
            assert!(random.below(3) < 3);
            assert!((5..=9).contains(&random.between(5, 9)));
            assert!((10..=1000).contains(&random.spread(10, 1000)));
        }
        assert_eq!(random.below(0), 0);
    }
}
