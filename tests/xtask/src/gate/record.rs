//! The record: a TOML file with groups of figures. The title of a group says what is counted. Each group contains the
//! version of the compiler.
//!
//! ```toml
//! ["instructions, this machine"]
//! compiler = "rustc 1.95.0 (59807616e 2026-04-14) for x86_64-unknown-linux-gnu"
//! "handle looked up, of 10" = 41
//! ```

use std::collections::BTreeMap;

use anyhow::Result;
use serde::{Deserialize, Serialize};

/// The comment at the top of the file.
const REMARK: &str = "\
# The costs of the core. `cargo xtask gate` fails if a figure differs by more than 2 %. `cargo xtask
# gate --record` writes the current figures; commit them with the change that caused them.
";

/// Recorded or measured figures. The keys say what is counted, and on which machine.
pub type Record = BTreeMap<String, Group>;

/// Figures of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The name and version of the compiler that compiled the programs.
    pub compiler: String,
    /// The figures by name.
    #[serde(flatten)]
    pub figures: BTreeMap<String, u64>,
}

/// Parses the file's text.
///
/// # Errors
/// If a line is invalid or a duplicate. The error text contains the number of the line.
pub fn read(text: &str) -> Result<Record> {
    Ok(toml::from_str(text)?)
}

/// Returns the file's text.
pub fn text(record: &Record) -> Result<String> {
    Ok(format!("{REMARK}\n{}", toml::to_string(record)?))
}

/// Returns the number of figures.
pub fn count(record: &Record) -> usize {
    record.values().map(|group| group.figures.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_record_can_be_read() {
        let group = |figures: &[(&str, u64)]| Group {
            compiler: "rustc 1.95.0 (abc)".to_owned(),
            figures: figures.iter().map(|(name, figure)| ((*name).to_owned(), *figure)).collect(),
        };
        let instructions = group(&[("made and freed, of 10", 189), ("a: b", 0)]);
        let bytes = group(&[("made and freed, of 10", 7)]);
        let groups = [("instructions, here", instructions), ("bytes", bytes)];
        let record = Record::from(groups.map(|(title, group)| (title.to_owned(), group)));
        assert_eq!(read(&text(&record).unwrap()).unwrap(), record);
        assert_eq!(count(&record), 3);
    }

    #[test]
    fn an_invalid_line_is_refused_with_its_number() {
        let refusal = |line: &str| {
            let text = format!("[bytes]\ncompiler = 'rustc'\nflash = 1\n{line}\n");
            read(&text).unwrap_err().to_string()
        };
        for line in ["flash = 2", "[bytes]", "RAM 1"] {
            assert!(refusal(line).contains("line 4"), "{}", refusal(line));
        }
        assert!(refusal("RAM = 'x'").contains("expected u64"), "{}", refusal("RAM = 'x'"));
        assert!(refusal("RAM = -1").contains("expected u64"), "{}", refusal("RAM = -1"));
        assert!(read("[bytes]\nflash = 1\n").is_err(), "it names no compiler");
        assert!(read("flash = 1\n").is_err(), "it has no kind");
    }
}
