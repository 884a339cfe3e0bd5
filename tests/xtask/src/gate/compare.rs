//! Compares figures with the record.

use std::{collections::BTreeSet, fmt};

use super::record::{self, Group, Record};
use crate::table::{Format, Table};

/// The advice for a difference.
pub const HOW_TO_RECORD: &str = "if that is meant, type\n  cargo xtask gate --record\nand commit tests/bench/recorded.toml with the change";

/// The allowed difference in per cent.
const ALLOWED: u64 = 2;

/// The differences from the record.
#[derive(Debug, PartialEq)]
pub struct Comparison {
    /// The number of figures now.
    figures: usize,
    differences: Vec<Difference>,
    /// The kinds of figures whose recorded compiler differs.
    unjudged: Vec<String>,
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
    /// The difference is allowed, or the compiler differs.
    Noted,
    Grown,
    Shrunk,
    /// The figure is measured but not in the record.
    NotRecorded,
    /// The figure is in the record but no longer measured.
    Gone,
}

/// Compares the measured figures with the record.
pub fn compare(recorded: &Record, now: &Record) -> Comparison {
    let (mut differences, mut unjudged) = (Vec::new(), Vec::new());
    let nothing = Group::default();
    for title in keys(recorded.keys(), now.keys()) {
        let (old, new) = (recorded.get(title), now.get(title));
        let compilers = old.zip(new).map(|(old, new)| [&old.compiler, &new.compiler]);
        let other = compilers.filter(|[recorded, now]| recorded != now);
        unjudged.extend(other.map(|[recorded, now]| {
            format!("{title}: recorded with {recorded}, this is {now}, so not judged")
        }));
        let [old, new] = [old, new].map(|group| &group.unwrap_or(&nothing).figures);
        for name in keys(old.keys(), new.keys()) {
            let (recorded, now) = (old.get(name).copied(), new.get(name).copied());
            let kind = match (recorded, now) {
                _ if recorded == now => continue,
                (None, _) => Kind::NotRecorded,
                (_, None) => Kind::Gone,
                (Some(old), Some(new)) if other.is_some() || is_allowed(old, new) => Kind::Noted,
                _ if now > recorded => Kind::Grown,
                _ => Kind::Shrunk,
            };
            differences.push(Difference { name: name.clone(), recorded, now, kind });
        }
    }
    Comparison { figures: record::count(now), differences, unjudged }
}

/// Returns the names that are in the record, in the current figures, or in both.
fn keys<'a>(
    recorded: impl Iterator<Item = &'a String>,
    now: impl Iterator<Item = &'a String>,
) -> BTreeSet<&'a String> {
    recorded.chain(now).collect()
}

/// Returns whether a difference is allowed. A difference of one is always allowed: an operation's count is a
/// rounded quotient, and the scheduling of two threads changes it by some hundredths.
fn is_allowed(recorded: u64, now: u64) -> bool {
    let difference = now.abs_diff(recorded);
    difference <= 1 || difference * 100 <= recorded * ALLOWED
}

impl Comparison {
    /// Returns whether nothing differs by more than is allowed.
    pub fn is_as_recorded(&self) -> bool {
        self.differences.iter().all(|difference| difference.kind == Kind::Noted)
    }

    /// Returns a text that says what is wrong and what to do.
    pub fn verdict(&self) -> String {
        let parts = [
            (Kind::Grown, format!("grown by more than {ALLOWED} %")),
            (Kind::Shrunk, format!("shrunk by more than {ALLOWED} %")),
            (Kind::NotRecorded, "not in the record".to_owned()),
            (Kind::Gone, "recorded and not measured any more".to_owned()),
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
        self.unjudged.iter().try_for_each(|kind| writeln!(f, "{kind}"))?;
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
                Kind::Noted => "",
                Kind::Grown => "grown",
                Kind::Shrunk => "shrunk",
                Kind::NotRecorded => "not recorded",
                Kind::Gone => "not measured",
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
    fn two_per_cent_are_allowed_in_either_direction_and_one_by_rounding() {
        assert_eq!(kinds(&[("a", 1_000)], &[("a", 1_000)]), []);
        for (recorded, now, kind) in [
            (1_000, 1_020, Kind::Noted),
            (1_000, 1_021, Kind::Grown),
            (1_000, 980, Kind::Noted),
            (1_000, 979, Kind::Shrunk),
            (0, 2, Kind::Grown),
            (41, 42, Kind::Noted),
            (41, 40, Kind::Noted),
            (41, 43, Kind::Grown),
        ] {
            assert_eq!(kinds(&[("a", recorded)], &[("a", now)]), [kind], "{recorded}, {now}");
        }
    }

    #[test]
    fn names_that_only_one_side_has_are_refused() {
        assert_eq!(kinds(&[], &[("new", 1)]), [Kind::NotRecorded]);
        assert_eq!(kinds(&[("old", 1)], &[]), [Kind::Gone]);
        let one = record("rustc", &[("one", 1)]);
        assert!(!compare(&Record::new(), &one).is_as_recorded());
        assert!(!compare(&one, &Record::new()).is_as_recorded());
    }

    #[test]
    fn another_compilers_figures_are_shown_and_not_judged() {
        let recorded = record("rustc 1", &[("a", 100), ("old", 1)]);
        let found = compare(&recorded, &record("rustc 2", &[("a", 150), ("old", 1)]));
        assert!(found.is_as_recorded());
        let said = found.to_string();
        assert!(said.starts_with("bytes: recorded with rustc 1, this is rustc 2"), "{said}");
        assert!(said.contains("+50.00"), "{said}");
        let found = compare(&recorded, &record("rustc 2", &[("a", 100)]));
        assert!(!found.is_as_recorded(), "a name is missing, whatever the compiler");
    }

    #[test]
    fn the_table_has_every_difference_and_the_verdict_what_to_do() {
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
        let verdict = found.verdict();
        let start = "of 4 figures, 1 grown by more than 2 %, 1 not in the record, 1 recorded and";
        assert!(verdict.starts_with(start), "{verdict}");
        assert!(verdict.contains("cargo xtask gate --record"), "{verdict}");
        let same = compare(&recorded, &recorded).to_string();
        assert_eq!(same, "all 4 figures are as recorded");
    }
}
