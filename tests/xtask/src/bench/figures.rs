//! The figures of a run, and what can be said of them.
//!
//! A figure is what one contestant took in one round. All contestants have a turn in each round, in
//! an order of chance, so what slows the machine down for a while slows down all of them: the ratio
//! of two within a round is steadier than either. A ratio here is the median of the rounds' ratios.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

use super::spread::Spread;
use crate::table::thousands;

/// What everybody took in every round, by name and phase; a workload without phases has one, `""`.
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
                _ => bail!("{line:?} is no line of figures"),
            };
            let figure = figure.parse().with_context(|| format!("{figure:?} is no figure"))?;
            figures.entry((name.to_owned(), phase.to_owned())).or_default().push(figure);
        }
        let mut rounds = figures.values().map(Vec::len);
        let first = rounds.next().context("nobody had a turn")?;
        ensure!(rounds.all(|others| others == first), "someone had more turns than others");
        Ok(Self(figures))
    }

    /// Returns the cells that tables have in common: what someone took, its least and most, what is
    /// beyond the floor, and the ratio to another.
    pub fn cells(&self, name: &str, floor: &str, other: &str) -> [String; 4] {
        let (least, most) = self.range(name, "").unzip();
        [
            nanos(self.median(name, "")),
            format!("{} – {}", nanos(least), nanos(most)),
            nanos(self.beyond(name, floor, "")),
            times(self.ratio(name, other, "")),
        ]
    }

    /// How many rounds there were.
    pub fn rounds(&self) -> usize {
        self.0.values().next().map_or(0, Vec::len)
    }

    /// The median of what someone took.
    pub fn median(&self, name: &str, phase: &str) -> Option<f64> {
        self.spread(name, phase).map(|spread| spread.median())
    }

    /// The least and the most that someone took.
    pub fn range(&self, name: &str, phase: &str) -> Option<(f64, f64)> {
        self.spread(name, phase).map(|spread| spread.range())
    }

    /// What someone took as a part of what another did.
    pub fn ratio(&self, name: &str, to: &str, phase: &str) -> Option<f64> {
        self.pairwise(name, to, phase, |a, b| a / b)
    }

    /// What someone took beyond another.
    pub fn beyond(&self, name: &str, floor: &str, phase: &str) -> Option<f64> {
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

/// Nanoseconds as a cell: with a digit behind the point when there are few.
pub fn nanos(figure: Option<f64>) -> String {
    match figure {
        None => "–".to_owned(),
        Some(figure) if figure.abs() < 100.0 => format!("{figure:.1}"),
        Some(figure) => thousands(figure),
    }
}

/// A ratio as a cell.
pub fn times(ratio: Option<f64>) -> String {
    ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2}×"))
}

/// A count as a cell, `12,345`.
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
        assert_eq!(figures.beyond("b", "a", ""), Some(10.0));
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
    fn lines_that_make_no_sense_are_named() {
        let refused = |text| Figures::read(text).unwrap_err().to_string();
        assert_eq!(refused("a 0 1\n"), "\"a 0 1\" is no line of figures");
        assert_eq!(refused("a\t0\tfast\n"), "\"fast\" is no figure");
        assert_eq!(refused(""), "nobody had a turn");
        assert_eq!(refused("a\t0\t1\na\t1\t1\nb\t0\t1\n"), "someone had more turns than others");
    }

    #[test]
    fn cells_are_as_people_write_numbers() {
        assert_eq!((nanos(Some(4.36)), nanos(Some(1_234.5))), ("4.4".into(), "1,234".into()));
        assert_eq!((times(Some(0.8861)), times(None)), ("0.89×".into(), "–".into()));
        assert_eq!(count(Some(1_234_567.2)), "1,234,567");
    }
}
