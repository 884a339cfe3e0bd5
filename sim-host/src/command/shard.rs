//! A shard: one of several parts of a range of seeds. Several hosts can run the shards of a range at the same time.

use std::fmt;
use std::ops::Range;

/// Part `number` of `count` parts, such as `2/8`. The first part is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shard {
    pub(super) number: u64,
    pub(super) count: u64,
}

impl Shard {
    /// The whole range, not divided.
    pub(super) const WHOLE: Self = Self { number: 1, count: 1 };

    /// Reads a shard in the notation `2/8`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a shard: the first of eight is 1/8, the last 8/8");
        let (number, count) = text.split_once('/').ok_or_else(wrong)?;
        let read = |text: &str| text.parse::<u64>().map_err(|_| wrong());
        let shard = Self { number: read(number)?, count: read(count)? };
        let exists = (1..=shard.count).contains(&shard.number);
        if exists { Ok(shard) } else { Err(wrong()) }
    }

    /// Returns this part of the seeds. The sizes of the parts differ by at most one seed. Some
    /// parts are empty if there are more parts than seeds.
    pub(super) fn of(self, seeds: &Range<u64>) -> Range<u64> {
        let length = u128::from(seeds.end.saturating_sub(seeds.start));
        let before = |parts: u64| {
            let part = length * u128::from(parts) / u128::from(self.count);
            seeds.start + u64::try_from(part).unwrap_or(u64::MAX)
        };
        before(self.number - 1)..before(self.number)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shards_of_a_range_cover_it_without_overlap() {
        for seeds in [0..10, 7..8, 3..1_003, 0..u64::MAX, u64::MAX - 5..u64::MAX] {
            for count in [1, 2, 3, 7, 64] {
                let shards: Vec<_> =
                    (1..=count).map(|number| Shard { number, count }.of(&seeds)).collect();
                assert_eq!((shards[0].start, shards.last().unwrap().end), (seeds.start, seeds.end));
                assert!(shards.windows(2).all(|pair| pair[0].end == pair[1].start), "{shards:?}");
                let lengths = shards.iter().map(|shard| shard.end - shard.start);
                let (least, most) = (lengths.clone().min().unwrap(), lengths.max().unwrap());
                assert!(most - least <= 1, "{shards:?}");
            }
        }
    }

    #[test]
    fn a_shard_is_read_from_its_number_and_count() {
        assert_eq!(Shard::parse("2/8"), Ok(Shard { number: 2, count: 8 }));
        assert_eq!(Shard::parse("8/8").unwrap().to_string(), "8/8");
        for text in ["0/8", "9/8", "1/0", "2", "a/b", "1/2/3", "-1/2", ""] {
            let error = Shard::parse(text).unwrap_err();
            assert!(error.contains("is not a shard: the first of eight is 1/8"), "{text}: {error}");
        }
    }
}
