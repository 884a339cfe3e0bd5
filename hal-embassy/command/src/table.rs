//! Tables of figures for a terminal and for Markdown, with the first column left-aligned and all other columns
//! right-aligned. Also formats numbers.

use std::{fmt, iter};

/// The format of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Columns for a terminal.
    Plain,
    /// A table for a Markdown document.
    Markdown,
}

/// A table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// The title.
    pub title: String,
    /// Remarks below the table, each a sentence or more.
    pub remarks: Vec<String>,
    /// The headings; the first heading is for the names of the rows.
    pub columns: Vec<String>,
    /// The rows. Each row has one cell for each column.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// Makes a table without rows. `" | "` separates the headings in `columns`.
    pub fn new(title: impl Into<String>, columns: &str) -> Self {
        let columns = columns.split(" | ").map(str::to_owned).collect();
        Self { title: title.into(), remarks: Vec::new(), columns, rows: Vec::new() }
    }

    /// Adds a remark below the table.
    pub fn remark(&mut self, remark: impl Into<String>) {
        self.remarks.push(remark.into());
    }

    /// Adds a row: a name and cells. Missing cells at the end are empty.
    pub fn row(&mut self, name: &str, cells: impl IntoIterator<Item = impl Into<String>>) {
        let mut cells: Vec<String> =
            [name.to_owned()].into_iter().chain(cells.into_iter().map(Into::into)).collect();
        debug_assert!(cells.len() <= self.columns.len(), "a row has a cell without a column");
        cells.resize(self.columns.len(), String::new());
        self.rows.push(cells);
    }

    /// Returns the table for a document: the title in bold, the grid, the remarks as a list.
    pub fn markdown(&self) -> String {
        let mut text = format!("**{}**\n\n{}", self.title, self.grid(Format::Markdown));
        if !self.remarks.is_empty() {
            text.push('\n');
        }
        text.extend(self.remarks.iter().map(|remark| format!("* {remark}\n")));
        text
    }

    /// Returns the heading and the rows, without title and remarks.
    pub fn grid(&self, format: Format) -> String {
        let (left, between, right) = match format {
            Format::Plain => ("", "  ", ""),
            Format::Markdown => ("| ", " | ", " |"),
        };
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
            if number == 0 && format == Format::Markdown {
                text += &format!("|---|{}\n", "--:|".repeat(self.columns.len().saturating_sub(1)));
            }
        }
        text
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n\n{}", self.title, self.grid(Format::Plain))?;
        self.remarks.iter().try_for_each(|remark| writeln!(f, "* {remark}"))
    }
}

/// Formats a number in groups of three digits, `12,345`, rounded to an integer.
pub fn thousands(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let sign = if number < 0.0 && digits != "0" { "-" } else { "" };
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    sign.to_owned() + &groups.join(",")
}

/// Formats an integer in groups of three digits. The integer must fit into an `f64` without loss, as all
/// sizes and counts do.
pub fn grouped(number: u64) -> String {
    thousands(number as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new("Cost of an event", " | ns | of libevent");
        table.row("picoevent", ["806", "0.89×"]);
        table.row("sys", ["95"]);
        table.remark("Medians.");
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
    fn a_table_is_formatted_as_markdown() {
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

    #[test]
    fn numbers_are_formatted_in_groups_of_three_digits() {
        let numbers = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(numbers, ["0", "999", "1,000", "1,234,567"]);
        let numbers = [999.4, 999.5, -0.4, -12_345.0].map(thousands);
        assert_eq!(numbers, ["999", "1,000", "0", "-12,345"]);
    }
}
