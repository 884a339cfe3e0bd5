//! The record: a plain file, a name and a number on each line.
//!
//! ```text
//! # a remark
//! [instructions, this machine] rustc 1.95.0 (59807616e 2026-04-14) for x86_64-unknown-linux-gnu
//! handle looked up, of 10: 41
//! ```
//!
//! Figures of a kind stand below a line that says what is counted, and by which compiler.

use std::{collections::HashSet, fmt};

use anyhow::{Context, Result, bail, ensure};

/// What the file says to who opens it.
const REMARK: &str = "\
# What the core costs. `cargo xtask gate` fails when a figure differs from this by more than 2 %;
# `cargo xtask gate --record` writes what it is now, to be committed with the change it comes from.
";

/// Recorded, or measured, figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// By kind.
    pub groups: Vec<Group>,
}

/// Figures of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What is counted, and where.
    pub title: String,
    /// By which Rust the programs were compiled.
    pub compiler: String,
    /// Names and numbers, no name twice.
    pub figures: Vec<(String, u64)>,
}

impl Record {
    /// Understands the file's text.
    ///
    /// # Errors
    /// With the line that is none of a record, or that says again what another has said.
    pub fn read(text: &str) -> Result<Self> {
        let mut groups: Vec<Group> = Vec::new();
        let mut known = HashSet::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let place = || format!("line {}, {line:?}", number + 1);
            if let Some(heading) = line.strip_prefix('[') {
                let (title, compiler) = heading
                    .split_once("] ")
                    .context("it has no ] and compiler")
                    .with_context(place)?;
                let is_new = groups.iter().all(|group| group.title != title);
                ensure!(is_new, "{}: there are two groups of this name", place());
                let (title, compiler) = (title.to_owned(), compiler.to_owned());
                groups.push(Group { title, compiler, figures: Vec::new() });
                known.clear();
                continue;
            }
            let (name, figure) =
                line.rsplit_once(": ").context("it is no name: number").with_context(place)?;
            let figure = figure.parse();
            let figure =
                figure.context("what follows the name is no number").with_context(place)?;
            let Some(group) = groups.last_mut() else {
                bail!("{}: a figure stands below a [kind] and its compiler", place());
            };
            ensure!(known.insert(name), "{}: this name is recorded twice", place());
            group.figures.push((name.to_owned(), figure));
        }
        Ok(Self { groups })
    }

    /// How many figures there are.
    pub fn len(&self) -> usize {
        self.groups.iter().map(|group| group.figures.len()).sum()
    }
}

impl fmt::Display for Record {
    /// Writes the file's text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REMARK)?;
        for Group { title, compiler, figures } in &self.groups {
            writeln!(f, "\n[{title}] {compiler}")?;
            for (name, figure) in figures {
                writeln!(f, "{name}: {figure}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        format!("{:#}", Record::read(text).unwrap_err())
    }

    #[test]
    fn what_is_written_is_read_again() {
        let group = |title: &str, figures: &[(&str, u64)]| Group {
            title: title.to_owned(),
            compiler: "rustc 1.95.0 (abc)".to_owned(),
            figures: figures.iter().map(|(name, figure)| ((*name).to_owned(), *figure)).collect(),
        };
        let record = Record {
            groups: vec![
                group("instructions", &[("made and freed, of 10", 189), ("a: b", 0)]),
                group("bytes", &[("made and freed, of 10", 7)]),
            ],
        };
        assert_eq!(Record::read(&record.to_string()).unwrap(), record);
        assert_eq!(record.len(), 3);
    }

    #[test]
    fn a_name_recorded_twice_is_refused() {
        let said = refusal("[bytes] rustc\nflash: 1\n\nflash: 2\n");
        assert_eq!(said, "line 4, \"flash: 2\": this name is recorded twice");
        let said = refusal("[bytes] rustc\n[bytes] rustc\n");
        assert_eq!(said, "line 2, \"[bytes] rustc\": there are two groups of this name");
    }

    #[test]
    fn a_line_that_is_none_of_a_record_is_refused_with_its_number() {
        assert!(
            refusal("[bytes] rustc\nflash 1\n").starts_with("line 2, \"flash 1\": it is no name")
        );
        assert!(
            refusal("[bytes] rustc\nflash: x\n").contains("what follows the name is no number")
        );
        assert!(refusal("[bytes] rustc\nflash: -1\n").contains("no number"));
        assert!(refusal("flash: 1\n").contains("stands below a [kind]"));
        assert!(refusal("[bytes]\n").contains("it has no ] and compiler"));
    }
}
