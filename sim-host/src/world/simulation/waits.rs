//! How long clients waited until they were served: a histogram. The range from each power of two to the next is divided
//! into two spans.

/// The number of spans. The last span has no upper end.
const SPANS: usize = 64;

/// A histogram of waiting times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits([u64; SPANS]);

impl Default for Waits {
    fn default() -> Self {
        Self([0; SPANS])
    }
}

impl Waits {
    /// Counts a client that waited for this number of microseconds.
    pub(crate) fn count(&mut self, micros: u64) {
        let micros = micros.max(1);
        let octave = micros.ilog2() as usize;
        let half = match octave {
            0 => 0,
            octave => (micros >> (octave - 1)) as usize & 1,
        };
        self.0[(2 * octave + half).min(SPANS - 1)] += 1;
    }

    /// Adds another histogram.
    pub(crate) fn add(&mut self, other: &Self) {
        for (sum, more) in self.0.iter_mut().zip(other.0) {
            *sum += more;
        }
    }

    /// Returns, for each span, the upper end in microseconds and the number of clients in the span.
    pub fn spans(&self) -> impl Iterator<Item = (u64, u64)> {
        self.0.iter().enumerate().map(|(index, count)| {
            let octave = 1_u64 << (index / 2);
            let end = if index % 2 == 0 { octave + octave / 2 } else { 2 * octave };
            (end.max(2), *count)
        })
    }

    /// Returns the number of clients counted.
    pub fn all(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Returns a time in microseconds. The share of the clients that were served within this time is at least
    /// `permille` / 1000. The time is the upper end of a span. Returns `None` if no client was counted.
    pub fn within(&self, permille: u64) -> Option<u64> {
        let wanted = (self.all() * permille).div_ceil(1_000).max(1);
        let mut sum = 0;
        self.spans().find_map(|(end, count)| {
            sum += count;
            (sum >= wanted).then_some(end)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wait_is_counted_in_a_span_that_ends_later() {
        for micros in [0, 1, 2, 3, 4, 5, 6, 7, 1_000, 1_023, 1_024, 1_535, 1_536, 240_000_000] {
            let mut waits = Waits::default();
            waits.count(micros);
            let (end, _) = waits.spans().find(|(_, count)| *count == 1).unwrap();
            assert!(end > micros && end <= (micros * 3 / 2).max(micros + 2), "{micros} {end}");
        }
    }

    #[test]
    fn percentiles_are_the_ends_of_spans() {
        let mut waits = Waits::default();
        (0..99).for_each(|_| waits.count(1_000));
        waits.count(2_000_000);
        assert_eq!((waits.within(500), waits.within(990)), (Some(1_024), Some(1_024)));
        assert_eq!(waits.within(1_000), Some(2_097_152));
        assert_eq!(Waits::default().within(500), None);
    }
}
