//! Figures of now, held against the record.

use std::{collections::HashMap, fmt};

use super::record::{Group, Record};
use crate::table::{Format, Table};

/// What to do about a difference.
pub const HOW_TO_RECORD: &str = "if that is meant, type\n  cargo xtask gate --record\nand commit tests/bench/recorded.txt with the change";

/// How much a figure may differ, in per cent.
const ALLOWED: u64 = 2;

/// All that is not as recorded.
#[derive(Debug, PartialEq)]
pub struct Comparison {
    /// How many figures there are now.
    figures: usize,
    differences: Vec<Difference>,
    /// Kinds of figures that another compiler made: title, recorded, now.
    unjudged: Vec<[String; 3]>,
}

/// A figure that is not as recorded.
#[derive(Debug, Clone, PartialEq)]
struct Difference {
    name: String,
    recorded: Option<u64>,
    now: Option<u64>,
    kind: Kind,
}

/// What a difference means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Within what is allowed, or another compiler's.
    Noted,
    Grown,
    Shrunk,
    /// Measured, and not in the record.
    NotRecorded,
    /// In the record, and not measured any more.
    Gone,
}

/// Compares what is measured with what is recorded.
pub fn compare(recorded: &Record, now: &Record) -> Comparison {
    let mut found =
        Comparison { figures: now.len(), differences: Vec::new(), unjudged: Vec::new() };
    let nothing =
        |title: &str| Group { title: title.to_owned(), compiler: String::new(), figures: vec![] };
    for group in &now.groups {
        match recorded.groups.iter().find(|known| known.title == group.title) {
            Some(known) => {
                let judged = known.compiler == group.compiler;
                if !judged {
                    let compilers = [&group.title, &known.compiler, &group.compiler];
                    found.unjudged.push(compilers.map(Clone::clone));
                }
                found.group(known, group, judged);
            }
            None => found.group(&nothing(&group.title), group, true),
        }
    }
    for known in &recorded.groups {
        if now.groups.iter().all(|group| group.title != known.title) {
            found.group(known, &nothing(&known.title), true);
        }
    }
    found
}

impl Comparison {
    fn group(&mut self, recorded: &Group, now: &Group, judged: bool) {
        let known: HashMap<&str, u64> = figures(recorded).collect();
        for (name, figure) in figures(now) {
            let recorded = known.get(name).copied();
            let kind = match recorded {
                None => Kind::NotRecorded,
                Some(recorded) if recorded == figure => continue,
                Some(recorded) if !judged || is_allowed(recorded, figure) => Kind::Noted,
                Some(recorded) if figure > recorded => Kind::Grown,
                Some(_) => Kind::Shrunk,
            };
            self.add(name, recorded, Some(figure), kind);
        }
        let measured: HashMap<&str, u64> = figures(now).collect();
        for (name, figure) in figures(recorded).filter(|(name, _)| !measured.contains_key(name)) {
            self.add(name, Some(figure), None, Kind::Gone);
        }
    }

    fn add(&mut self, name: &str, recorded: Option<u64>, now: Option<u64>, kind: Kind) {
        self.differences.push(Difference { name: name.to_owned(), recorded, now, kind });
    }

    /// Whether nothing differs by more than is allowed.
    pub fn is_as_recorded(&self) -> bool {
        self.differences.iter().all(|difference| difference.kind == Kind::Noted)
    }

    /// What is wrong, and what to do.
    pub fn verdict(&self) -> String {
        let count = |kind| self.differences.iter().filter(|found| found.kind == kind).count();
        let parts = [
            (count(Kind::Grown), format!("grown by more than {ALLOWED} %")),
            (count(Kind::Shrunk), format!("shrunk by more than {ALLOWED} %")),
            (count(Kind::NotRecorded), "not in the record".to_owned()),
            (count(Kind::Gone), "recorded and not measured any more".to_owned()),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<_> = parts.map(|(count, what)| format!("{count} {what}")).collect();
        format!("of {} figures, {}; {HOW_TO_RECORD}", self.figures, parts.join(", "))
    }
}

fn figures(group: &Group) -> impl Iterator<Item = (&str, u64)> {
    group.figures.iter().map(|(name, figure)| (name.as_str(), *figure))
}

/// A difference of one is never judged: an operation's count is a quotient, rounded, and which of two
/// threads waits for the other moves what is rounded by some hundredths.
fn is_allowed(recorded: u64, now: u64) -> bool {
    let difference = now.abs_diff(recorded);
    difference <= 1 || difference * 100 <= recorded * ALLOWED
}

impl fmt::Display for Comparison {
    /// Writes the table of differences, all of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for [title, recorded, now] in &self.unjudged {
            writeln!(f, "{title}: recorded with {recorded}, this is {now}, so not judged")?;
        }
        if self.differences.is_empty() {
            return write!(f, "all {} figures are as recorded", self.figures);
        }
        let mut table = Table::new("", &["figure", "recorded", "now", "per cent", ""]);
        for Difference { name, recorded, now, kind } in &self.differences {
            let cell = |figure: &Option<u64>| figure.map_or("-".to_owned(), |n| n.to_string());
            let change = match (recorded, now) {
                (Some(recorded), Some(now)) if *recorded > 0 => {
                    format!("{:+.2}", (*now as f64 / *recorded as f64 - 1.0) * 100.0)
                }
                _ => "-".to_owned(),
            };
            let word = match kind {
                Kind::Noted => "",
                Kind::Grown => "grown",
                Kind::Shrunk => "shrunk",
                Kind::NotRecorded => "not recorded",
                Kind::Gone => "not measured",
            };
            table.row([name.clone(), cell(recorded), cell(now), change, word.to_owned()]);
        }
        f.write_str(table.grid(Format::Plain).trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(compiler: &str, figures: &[(&str, u64)]) -> Record {
        let figures = figures.iter().map(|(name, figure)| ((*name).to_owned(), *figure));
        let (title, compiler) = ("bytes".to_owned(), compiler.to_owned());
        Record { groups: vec![Group { title, compiler, figures: figures.collect() }] }
    }

    fn kinds(recorded: &[(&str, u64)], now: &[(&str, u64)]) -> Vec<Kind> {
        let found = compare(&record("rustc 1", recorded), &record("rustc 1", now));
        found.differences.iter().map(|difference| difference.kind).collect()
    }

    #[test]
    fn two_per_cent_are_allowed_in_either_direction() {
        assert_eq!(kinds(&[("a", 1_000)], &[("a", 1_000)]), []);
        assert_eq!(kinds(&[("a", 1_000)], &[("a", 1_020)]), [Kind::Noted]);
        assert_eq!(kinds(&[("a", 1_000)], &[("a", 1_021)]), [Kind::Grown]);
        assert_eq!(kinds(&[("a", 1_000)], &[("a", 980)]), [Kind::Noted]);
        assert_eq!(kinds(&[("a", 1_000)], &[("a", 979)]), [Kind::Shrunk]);
        assert_eq!(kinds(&[("a", 0)], &[("a", 2)]), [Kind::Grown]);
    }

    #[test]
    fn one_is_within_what_rounding_does() {
        assert_eq!(kinds(&[("a", 41)], &[("a", 42)]), [Kind::Noted]);
        assert_eq!(kinds(&[("a", 41)], &[("a", 40)]), [Kind::Noted]);
        assert_eq!(kinds(&[("a", 41)], &[("a", 43)]), [Kind::Grown]);
    }

    #[test]
    fn names_that_only_one_side_has_are_refused() {
        assert_eq!(kinds(&[], &[("new", 1)]), [Kind::NotRecorded]);
        assert_eq!(kinds(&[("old", 1)], &[]), [Kind::Gone]);
        let found = compare(&Record { groups: vec![] }, &record("rustc", &[("new", 1)]));
        assert!(!found.is_as_recorded());
        let found = compare(&record("rustc", &[("old", 1)]), &Record { groups: vec![] });
        assert!(!found.is_as_recorded());
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
flash        1000  1050     +5.00         grown
RAM           400   401     +0.25
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
