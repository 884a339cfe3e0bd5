//! Compares figures with the record.

use std::{collections::BTreeSet, fmt};

use super::record::{self, Group, Record};
use crate::table::{Format, Table};

/// The text that says what to do about a difference.
pub const HOW_TO_RECORD: &str = "if this change is intended, type\n  \
    cargo xtask gate --record\nand commit tests/bench/recorded.toml with the change";

/// The allowed difference in per cent.
const ALLOWED: u64 = 2;

/// The differences from the record.
#[derive(Debug, PartialEq)]
pub struct Comparison {
    /// The number of measured figures.
    figures: usize,
    differences: Vec<Difference>,
    /// The groups of figures whose recorded compiler differs from the current compiler, each as a line of text.
    other_compilers: Vec<String>,
}

/// A figure that differs from the record.
#[derive(Debug, Clone, PartialEq)]
struct Difference {
    name: String,
    recorded: Option<u64>,
    now: Option<u64>,
    kind: Kind,
}

/// The kind of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The difference is small enough, or the current compiler is not the recorded compiler.
    Allowed,
    /// The figure is larger than is allowed.
    Grown,
    /// The figure is smaller than is allowed.
    Shrunk,
    /// The figure is measured but not in the record.
    NotRecorded,
    /// The figure is in the record but no longer measured.
    NotMeasured,
}

/// Compares the measured figures with the record.
pub fn compare(recorded: &Record, now: &Record) -> Comparison {
    let (mut differences, mut other_compilers) = (Vec::new(), Vec::new());
    let nothing = Group::default();
    for title in keys(recorded.keys(), now.keys()) {
        let (old, new) = (recorded.get(title), now.get(title));
        let compilers = old.zip(new).map(|(old, new)| [&old.compiler, &new.compiler]);
        let other = compilers.filter(|[recorded, now]| recorded != now);
        other_compilers.extend(other.map(|[recorded, now]| {
            format!("{title}: recorded with {recorded}, this is {now}, so differences are allowed")
        }));
        let [old, new] = [old, new].map(|group| &group.unwrap_or(&nothing).figures);
        for name in keys(old.keys(), new.keys()) {
            let (recorded, now) = (old.get(name).copied(), new.get(name).copied());
            let kind = match (recorded, now) {
                _ if recorded == now => continue,
                (None, _) => Kind::NotRecorded,
                (_, None) => Kind::NotMeasured,
                (Some(old), Some(new)) if other.is_some() || is_allowed(old, new) => Kind::Allowed,
                _ if now > recorded => Kind::Grown,
                _ => Kind::Shrunk,
            };
            differences.push(Difference { name: name.clone(), recorded, now, kind });
        }
    }
    Comparison { figures: record::count(now), differences, other_compilers }
}

/// Returns the names that are in the record, in the current figures, or in both.
fn keys<'a>(
    recorded: impl Iterator<Item = &'a String>,
    now: impl Iterator<Item = &'a String>,
) -> BTreeSet<&'a String> {
    recorded.chain(now).collect()
}

/// Returns whether a difference is allowed. A difference of one is always allowed. The count of an operation is a
/// rounded quotient, and the scheduling of two threads changes the quotient by some hundredths. So the rounded count
/// can change by one.
fn is_allowed(recorded: u64, now: u64) -> bool {
    let difference = now.abs_diff(recorded);
    difference <= 1 || difference * 100 <= recorded * ALLOWED
}

impl Comparison {
    /// Returns whether all differences are allowed.
    pub fn is_as_recorded(&self) -> bool {
        self.differences.iter().all(|difference| difference.kind == Kind::Allowed)
    }

    /// Returns a text that says what is wrong and what to do.
    pub fn summary(&self) -> String {
        let parts = [
            (Kind::Grown, format!("grown by more than {ALLOWED} %")),
            (Kind::Shrunk, format!("shrunk by more than {ALLOWED} %")),
            (Kind::NotRecorded, "not in the record".to_owned()),
            (Kind::NotMeasured, "recorded but no longer measured".to_owned()),
        ];
        let count = |kind| self.differences.iter().filter(|found| found.kind == kind).count();
        let parts = parts.iter().map(|(kind, what)| (count(*kind), what));
        let parts = parts.filter(|(count, _)| *count > 0);
        let parts: Vec<_> = parts.map(|(count, what)| format!("{count} {what}")).collect();
        format!("of {} figures, {}; {HOW_TO_RECORD}", self.figures, parts.join(", "))
    }
}

impl fmt::Display for Comparison {
    /// Writes the table of all differences.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.other_compilers.iter().try_for_each(|kind| writeln!(f, "{kind}"))?;
        if self.differences.is_empty() {
            return write!(f, "all {} figures are as recorded", self.figures);
        }
        let mut table = Table::new("", "figure | recorded | now | per cent | ");
        for Difference { name, recorded, now, kind } in &self.differences {
            let cell = |figure: &Option<u64>| figure.map_or("-".to_owned(), |n| n.to_string());
            let change = recorded
                .filter(|recorded| *recorded > 0)
                .zip(*now)
                .map(|(old, new)| format!("{:+.2}", (new as f64 / old as f64 - 1.0) * 100.0));
            let word = match kind {
                Kind::Allowed => "",
                Kind::Grown => "grown",
                Kind::Shrunk => "shrunk",
                Kind::NotRecorded => "not recorded",
                Kind::NotMeasured => "not measured",
            };
            let change = change.unwrap_or("-".to_owned());
            table.row(name, [cell(recorded), cell(now), change, word.to_owned()]);
        }
        f.write_str(table.grid(Format::Plain).trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(compiler: &str, figures: &[(&str, u64)]) -> Record {
        let figures = figures.iter().map(|(name, figure)| ((*name).to_owned(), *figure)).collect();
        Record::from([("bytes".to_owned(), Group { compiler: compiler.to_owned(), figures })])
    }

    fn kinds(recorded: &[(&str, u64)], now: &[(&str, u64)]) -> Vec<Kind> {
        let found = compare(&record("rustc 1", recorded), &record("rustc 1", now));
        found.differences.iter().map(|difference| difference.kind).collect()
    }

    #[test]
    fn a_difference_of_two_per_cent_or_of_one_is_allowed_in_either_direction() {
        assert_eq!(kinds(&[("a", 1_000)], &[("a", 1_000)]), []);
        for (recorded, now, kind) in [
            (1_000, 1_020, Kind::Allowed),
            (1_000, 1_021, Kind::Grown),
            (1_000, 980, Kind::Allowed),
            (1_000, 979, Kind::Shrunk),
            (0, 2, Kind::Grown),
            (41, 42, Kind::Allowed),
            (41, 40, Kind::Allowed),
            (41, 43, Kind::Grown),
        ] {
            assert_eq!(kinds(&[("a", recorded)], &[("a", now)]), [kind], "{recorded}, {now}");
        }
    }

    #[test]
    fn a_figure_on_only_one_side_is_refused() {
        assert_eq!(kinds(&[], &[("new", 1)]), [Kind::NotRecorded]);
        assert_eq!(kinds(&[("old", 1)], &[]), [Kind::NotMeasured]);
        let one = record("rustc", &[("one", 1)]);
        assert!(!compare(&Record::new(), &one).is_as_recorded());
        assert!(!compare(&one, &Record::new()).is_as_recorded());
    }

    #[test]
    fn differences_with_another_compiler_are_shown_but_allowed() {
        let recorded = record("rustc 1", &[("a", 100), ("old", 1)]);
        let found = compare(&recorded, &record("rustc 2", &[("a", 150), ("old", 1)]));
        assert!(found.is_as_recorded());
        let text = found.to_string();
        assert!(text.starts_with("bytes: recorded with rustc 1, this is rustc 2"), "{text}");
        assert!(text.contains("+50.00"), "{text}");
        let found = compare(&recorded, &record("rustc 2", &[("a", 100)]));
        assert!(!found.is_as_recorded(), "a name is missing, whatever the compiler");
    }

    #[test]
    fn the_table_has_every_difference_and_the_summary_says_what_to_do() {
        let recorded = record("rustc", &[("flash", 1_000), ("RAM", 400), ("old", 7), ("same", 1)]);
        let now = record("rustc", &[("flash", 1_050), ("RAM", 401), ("new one", 8), ("same", 1)]);
        let found = compare(&recorded, &now);
        let expected = "\
figure   recorded   now  per cent
RAM           400   401     +0.25
flash        1000  1050     +5.00         grown
new one         -     8         -  not recorded
old             7     -         -  not measured";
        assert_eq!(found.to_string(), expected);
        let summary = found.summary();
        let start = "of 4 figures, 1 grown by more than 2 %, 1 not in the record, 1 recorded but";
        assert!(summary.starts_with(start), "{summary}");
        assert!(summary.contains("cargo xtask gate --record"), "{summary}");
        let same = compare(&recorded, &recorded).to_string();
        assert_eq!(same, "all 4 figures are as recorded");
    }
}
