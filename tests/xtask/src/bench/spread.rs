//! Summarises many measurements of one quantity by the median, the range and percentiles.

/// Sorted measurements.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread(Vec<f64>);

impl Spread {
    /// Sorts measurements.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    /// Returns the median: half of all values are not above the median. Without values, returns NaN.
    pub fn median(&self) -> f64 {
        let last = self.0.len().saturating_sub(1);
        f64::midpoint(self.at(last / 2), self.at(last.div_ceil(2)))
    }

    /// Returns the least and the greatest value.
    pub fn range(&self) -> (f64, f64) {
        (self.at(0), self.at(self.0.len().saturating_sub(1)))
    }

    /// Returns the value that `percent` per cent of the measurements do not exceed.
    pub fn percentile(&self, percent: usize) -> f64 {
        self.at((self.0.len() * percent).div_ceil(100).max(1) - 1)
    }

    /// Formats the spread with `digits` decimals: `4.36 [4.30–4.50]`.
    pub fn show(&self, digits: usize) -> String {
        let (median, (least, most)) = (self.median(), self.range());
        format!("{median:.digits$} [{least:.digits$}–{most:.digits$}]")
    }

    fn at(&self, index: usize) -> f64 {
        self.0.get(index).copied().unwrap_or(f64::NAN)
    }
}

/// Measures every contender once per round, in a new random order each time. Returns the results by
/// contender, then by round.
pub fn rounds<T, R, E>(
    contenders: &[T],
    rounds: usize,
    mut measure: impl FnMut(&T) -> Result<R, E>,
) -> Result<Vec<Vec<R>>, E> {
    let mut results: Vec<Vec<R>> = contenders.iter().map(|_| Vec::new()).collect();
    let mut order: Vec<usize> = (0..contenders.len()).collect();
    for _ in 0..rounds {
        fastrand::shuffle(&mut order);
        for &contender in &order {
            results[contender].push(measure(&contenders[contender])?);
        }
    }
    Ok(results)
}

/// Returns the ratios of `first` to `second`, one for each round.
pub fn ratio(first: &[f64], second: &[f64]) -> Spread {
    Spread::of(first.iter().zip(second).map(|(first, second)| first / second))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn a_median_is_between_the_least_and_the_greatest_value() {
        let spread = Spread::of([5.0, 1.0, 2.0]);
        assert_eq!((spread.median(), spread.range()), (2.0, (1.0, 5.0)));
        assert_eq!(Spread::of([4.0, 1.0]).median(), 2.5);
        assert_eq!(spread.show(1), "2.0 [1.0–5.0]");
        assert!(Spread::of([]).median().is_nan());
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let values = Spread::of((1..=200).rev().map(f64::from));
        assert_eq!((values.percentile(10), values.percentile(90)), (20.0, 180.0));
        assert_eq!(Spread::of([7.0]).percentile(10), 7.0);
    }

    #[test]
    fn every_contender_is_measured_once_a_round() {
        let mut seen = Vec::new();
        let measure = |&name: &char| {
            seen.push(name);
            Ok::<_, Infallible>(seen.len())
        };
        let results = rounds(&['a', 'b', 'c'], 4, measure).unwrap();
        assert!(results.iter().all(|result| result.len() == 4), "{results:?}");
        for round in seen.chunks(3) {
            let mut round = round.to_vec();
            round.sort_unstable();
            assert_eq!(round, ['a', 'b', 'c']);
        }
        let failed = rounds(&[1, 2], 2, |_| Err::<(), _>("lost"));
        assert_eq!(failed, Err("lost"));
    }

    #[test]
    fn a_ratio_is_computed_for_each_round() {
        assert_eq!(ratio(&[1.0, 4.0, 9.0], &[2.0, 4.0, 3.0]).median(), 1.0);
    }
}
