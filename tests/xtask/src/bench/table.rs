//! A table of figures: one row a contestant, columns aligned, for a terminal and for Markdown.

use std::{fmt, iter};

/// A table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// What it shows.
    pub title: String,
    /// What must be known to read it, each a sentence.
    pub notes: Vec<String>,
    /// The headings; the first is that of the rows' names.
    pub columns: Vec<String>,
    /// The rows, each with as many cells as there are columns.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// Makes a table without rows.
    pub fn new(title: impl Into<String>, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        Self { title: title.into(), notes: Vec::new(), columns, rows: Vec::new() }
    }

    /// Adds a note.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Adds a row. Cells that are missing at its end are empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        let mut cells: Vec<String> = cells.into_iter().map(Into::into).collect();
        debug_assert!(cells.len() <= self.columns.len(), "a row has a cell without a column");
        cells.resize(self.columns.len(), String::new());
        self.rows.push(cells);
    }

    /// Writes it for a document: the title in bold, the table, the notes as a list.
    pub fn markdown(&self) -> String {
        let mut text = format!("**{}**\n\n{}", self.title, self.lines("| ", " | ", " |", true));
        if !self.notes.is_empty() {
            text.push('\n');
        }
        text.extend(self.notes.iter().map(|note| format!("* {note}\n")));
        text
    }

    /// The heading and the rows: names to the left, figures to the right.
    fn lines(&self, left: &str, between: &str, right: &str, ruled: bool) -> String {
        let all = || iter::once(&self.columns).chain(&self.rows);
        let width = |column: usize| all().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<_> = (0..self.columns.len()).map(width).collect();
        let mut text = String::new();
        for (number, row) in all().enumerate() {
            let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
                if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            });
            let cells: Vec<_> = cells.collect();
            text += format!("{left}{}{right}", cells.join(between)).trim_end();
            text.push('\n');
            if number == 0 && ruled {
                text += &format!("|---|{}\n", "--:|".repeat(self.columns.len().saturating_sub(1)));
            }
        }
        text
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n\n{}", self.title, self.lines("", "  ", "", false))?;
        self.notes.iter().try_for_each(|note| writeln!(f, "* {note}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new("Cost of an event", &["", "ns", "of libevent"]);
        table.row(["picoevent", "806", "0.89×"]);
        table.row(["sys", "95"]);
        table.note("Medians.");
        table
    }

    #[test]
    fn a_table_is_aligned_for_a_terminal() {
        let expected = "\
Cost of an event

            ns  of libevent
picoevent  806        0.89×
sys         95

* Medians.
";
        assert_eq!(table().to_string(), expected);
    }

    #[test]
    fn a_table_can_be_put_into_a_document() {
        let expected = "\
**Cost of an event**

|           |  ns | of libevent |
|---|--:|--:|
| picoevent | 806 |       0.89× |
| sys       |  95 |             |

* Medians.
";
        assert_eq!(table().markdown(), expected);
    }
}
