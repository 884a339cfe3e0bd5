//! Many measurements of the same, as one figure with its bounds.

use std::fmt;

/// The median, the least and the most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Half of all are not above it.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

impl Spread {
    /// Of measurements, of which there is one at least.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (first, last) = (values.first().copied(), values.last().copied());
        let (middle, odd) = (values.len() / 2, values.len() % 2);
        let median = match middle
            .checked_sub(1 - odd)
            .map(|below| (values.get(below), values.get(middle)))
        {
            Some((Some(below), Some(above))) => f64::midpoint(*below, *above),
            _ => f64::NAN,
        };
        Self { median, least: first.unwrap_or(f64::NAN), most: last.unwrap_or(f64::NAN) }
    }

    /// Written with so many digits behind the point: `4.36 [4.30–4.50]`.
    pub fn show(&self, digits: usize) -> String {
        let Self { median, least, most } = self;
        format!("{median:.digits$} [{least:.digits$}–{most:.digits$}]")
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.show(2))
    }
}

/// What so many of a hundred do not exceed.
pub fn percentile(values: &[f64], percent: u32) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let place = (values.len() * percent as usize).div_ceil(100).max(1) - 1;
    values.get(place).copied().unwrap_or(f64::NAN)
}

/// Measures every contestant once a round, in an order that is another each time, so that no one
/// always comes first, or always after the same. Answers by contestant, each by round.
///
/// # Errors
/// The first that a measurement has.
pub fn rounds<T, R, E>(
    contestants: &[T],
    rounds: usize,
    mut measure: impl FnMut(&T) -> Result<R, E>,
) -> Result<Vec<Vec<R>>, E> {
    let mut results: Vec<Vec<R>> = contestants.iter().map(|_| Vec::new()).collect();
    let mut order: Vec<usize> = (0..contestants.len()).collect();
    for _ in 0..rounds {
        fastrand::shuffle(&mut order);
        for &contestant in &order {
            results[contestant].push(measure(&contestants[contestant])?);
        }
    }
    Ok(results)
}

/// How many times as much the first takes as the second, round by round.
pub fn ratio(first: &[f64], second: &[f64]) -> Spread {
    Spread::of(first.iter().zip(second).map(|(first, second)| first / second))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn a_median_lies_in_the_middle_of_its_bounds() {
        let spread = Spread::of([5.0, 1.0, 2.0]);
        assert_eq!(spread, Spread { median: 2.0, least: 1.0, most: 5.0 });
        assert_eq!(Spread::of([4.0, 1.0]).median, 2.5);
        assert_eq!(spread.show(1), "2.0 [1.0–5.0]");
        assert!(Spread::of([]).median.is_nan());
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(percentile(&values, 10), 20.0);
        assert_eq!(percentile(&values, 90), 180.0);
        assert_eq!(percentile(&[7.0], 10), 7.0);
    }

    #[test]
    fn everyone_is_measured_once_a_round() {
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
    fn a_ratio_is_that_of_each_round() {
        assert_eq!(ratio(&[1.0, 4.0, 9.0], &[2.0, 4.0, 3.0]).median, 1.0);
    }
}
