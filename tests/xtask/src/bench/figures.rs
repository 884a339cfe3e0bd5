//! The figures of a run, and their statistics.
//!
//! A figure is the cost of one contender in one round. Each round runs all contenders in random order. If the machine
//! is slow during a round, all contenders of this round are slow. So the ratio of two contenders within a round varies
//! less than their figures. A ratio in this module is the median of the ratios of all rounds.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

use super::spread::Spread;
use crate::table::thousands;

/// The figures of each contender in every round, by name and phase. A workload without phases has the phase
/// `""`.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Figures(BTreeMap<(String, String), Vec<f64>>);

impl Figures {
    /// Reads lines of `name⇥round⇥figure` or `name⇥round⇥phase⇥figure`.
    pub fn read(text: &str) -> Result<Self> {
        let mut figures = BTreeMap::<_, Vec<f64>>::new();
        for line in text.lines() {
            let (name, phase, figure) = match *line.split('\t').collect::<Vec<_>>().as_slice() {
                [name, _, figure] => (name, "", figure),
                [name, _, phase, figure] => (name, phase, figure),
                _ => bail!("{line:?} is not a line of figures"),
            };
            let figure = figure.parse().with_context(|| format!("{figure:?} is not a figure"))?;
            figures.entry((name.to_owned(), phase.to_owned())).or_default().push(figure);
        }
        let mut rounds = figures.values().map(Vec::len);
        let first = rounds.next().context("there are no figures")?;
        ensure!(rounds.all(|others| others == first), "a contender has more rounds than others");
        Ok(Self(figures))
    }

    /// Returns the cells that several tables have: the median, the least and the greatest figure, the difference to the
    /// contender `floor`, and the ratio to the contender `other`.
    pub fn cells(&self, name: &str, floor: &str, other: &str) -> [String; 4] {
        let (least, most) = self.range(name, "").unzip();
        [
            nanos(self.median(name, "")),
            format!("{} – {}", nanos(least), nanos(most)),
            nanos(self.difference(name, floor, "")),
            factor(self.ratio(name, other, "")),
        ]
    }

    /// Returns the number of rounds.
    pub fn rounds(&self) -> usize {
        self.0.values().next().map_or(0, Vec::len)
    }

    /// Returns the median of a contender's figures, or `None` if the contender has no figures.
    pub fn median(&self, name: &str, phase: &str) -> Option<f64> {
        self.spread(name, phase).map(|spread| spread.median())
    }

    /// Returns the least and the greatest of a contender's figures, or `None` if the contender has no figures.
    pub fn range(&self, name: &str, phase: &str) -> Option<(f64, f64)> {
        self.spread(name, phase).map(|spread| spread.range())
    }

    /// Returns the ratio of a contender's figure to another contender's figure, or `None` if one of the two contenders
    /// has no figures.
    pub fn ratio(&self, name: &str, to: &str, phase: &str) -> Option<f64> {
        self.pairwise(name, to, phase, |a, b| a / b)
    }

    /// Returns a contender's figure minus another contender's figure, or `None` if one of the two contenders has no
    /// figures.
    pub fn difference(&self, name: &str, floor: &str, phase: &str) -> Option<f64> {
        self.pairwise(name, floor, phase, |a, b| a - b)
    }

    fn pairwise(&self, a: &str, b: &str, phase: &str, by: fn(f64, f64) -> f64) -> Option<f64> {
        let (a, b) = (self.of(a, phase)?, self.of(b, phase)?);
        Some(Spread::of(a.iter().zip(b).map(|(a, b)| by(*a, *b))).median())
    }

    fn spread(&self, name: &str, phase: &str) -> Option<Spread> {
        self.of(name, phase).map(|figures| Spread::of(figures.iter().copied()))
    }

    fn of(&self, name: &str, phase: &str) -> Option<&[f64]> {
        self.0.get(&(name.to_owned(), phase.to_owned())).map(Vec::as_slice)
    }
}

/// Formats nanoseconds as a cell, with one decimal if the value is below 100.
pub fn nanos(figure: Option<f64>) -> String {
    match figure {
        None => "–".to_owned(),
        Some(figure) if figure.abs() < 100.0 => format!("{figure:.1}"),
        Some(figure) => thousands(figure),
    }
}

/// Formats a ratio as a cell.
pub fn factor(ratio: Option<f64>) -> String {
    ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2}×"))
}

/// Formats a count as a cell, `12,345`.
pub fn count(figure: Option<f64>) -> String {
    figure.map_or("–".to_owned(), thousands)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a\t0\t10\nb\t0\t20\nb\t1\t200\na\t1\t50\na\t2\t12\nb\t2\t16\n";

    #[test]
    fn a_ratio_is_the_median_of_the_rounds_ratios_not_the_ratio_of_medians() {
        let figures = Figures::read(TEXT).unwrap();
        assert_eq!(figures.rounds(), 3);
        assert_eq!((figures.median("a", ""), figures.median("b", "")), (Some(12.0), Some(20.0)));
        assert_eq!(figures.ratio("a", "b", ""), Some(0.5));
        assert_eq!(figures.difference("b", "a", ""), Some(10.0));
        assert_eq!(figures.range("b", ""), Some((16.0, 200.0)));
        assert_eq!(figures.median("c", ""), None);
    }

    #[test]
    fn phases_are_kept_apart() {
        let figures = Figures::read("a\t0\tAdd\t1.5\na\t0\tFire\t7\n").unwrap();
        assert_eq!(figures.median("a", "Add"), Some(1.5));
        assert_eq!(figures.median("a", "Fire"), Some(7.0));
    }

    #[test]
    fn invalid_lines_are_named() {
        let refused = |text| Figures::read(text).unwrap_err().to_string();
        assert_eq!(refused("a 0 1\n"), "\"a 0 1\" is not a line of figures");
        assert_eq!(refused("a\t0\tfast\n"), "\"fast\" is not a figure");
        assert_eq!(refused(""), "there are no figures");
        assert_eq!(
            refused("a\t0\t1\na\t1\t1\nb\t0\t1\n"),
            "a contender has more rounds than others"
        );
    }

    #[test]
    fn cells_are_formatted() {
        assert_eq!((nanos(Some(4.36)), nanos(Some(1_234.5))), ("4.4".into(), "1,234".into()));
        assert_eq!((factor(Some(0.8861)), factor(None)), ("0.89×".into(), "–".into()));
        assert_eq!(count(Some(1_234_567.2)), "1,234,567");
    }
}
