//! The tables that `cargo xtask size` prints, and how a table is written.

use super::Usage;

/// How the table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Columns for a terminal.
    Plain,
    /// A table for a Markdown document.
    Markdown,
}

/// A table: its heading and its rows, in cells.
pub type Lines = Vec<Vec<String>>;

/// Makes a table of boards, their flash and static RAM, and each section that any of them has.
pub fn table(rows: &[(&str, Usage)]) -> Lines {
    let mut heading = vec!["board".to_owned(), "flash".to_owned(), "static RAM".to_owned()];
    let sections = sections(rows);
    heading.extend(sections.iter().map(|name| format!("`{name}`")));
    let mut lines = vec![heading];
    for (board, usage) in rows {
        let mut line = vec![(*board).to_owned(), grouped(usage.flash), grouped(usage.ram)];
        line.extend(sections.iter().map(|wanted| {
            let sizes = usage.sections.iter().filter(|(name, _)| name == wanted);
            grouped(sizes.map(|(_, size)| size).sum())
        }));
        lines.push(line);
    }
    lines
}

/// The names of all sections, each once, in the order they are met.
fn sections<'a>(rows: &'a [(&str, Usage)]) -> Vec<&'a str> {
    let mut names = Vec::new();
    for (name, _) in rows.iter().flat_map(|(_, usage)| &usage.sections) {
        if !names.contains(&&**name) {
            names.push(name);
        }
    }
    names
}

/// Writes cells in columns, the first line above the others: the first column to the left, numbers
/// to the right. Every line has as many cells as the first.
pub fn layout(lines: &[Vec<String>], format: Format) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width =
        |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..columns).map(width).collect();
    let (left, between, right) = match format {
        Format::Plain => ("", "  ", ""),
        Format::Markdown => ("| ", " | ", " |"),
    };
    let mut table = String::new();
    for (number, line) in lines.iter().enumerate() {
        let cells = line.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        let cells: Vec<_> = cells.collect();
        table += &format!("{left}{}{right}\n", cells.join(between));
        if number == 0 && format == Format::Markdown {
            table += &format!("|---|{}\n", "---:|".repeat(columns.saturating_sub(1)));
        }
    }
    table
}

/// Writes a number in groups of three digits: `34,012`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut written = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<(&'static str, Usage)> {
        let usage = |flash, ram, sections: &[(&str, u64)]| Usage {
            flash,
            ram,
            sections: sections.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect(),
        };
        vec![
            ("one", usage(33_992, 512, &[(".text", 33_992), (".bss", 512)])),
            ("w5500", usage(1_256, 0, &[(".boot2", 256), (".text", 1_000)])),
        ]
    }

    #[test]
    fn a_section_that_one_board_has_is_a_column_for_all() {
        let expected = "\
board   flash  static RAM  `.text`  `.bss`  `.boot2`
one    33,992         512   33,992     512         0
w5500   1,256           0    1,000       0       256
";
        assert_eq!(layout(&table(&rows()), Format::Plain), expected);
    }

    #[test]
    fn the_table_can_be_put_into_a_document() {
        let table = layout(&table(&rows()), Format::Markdown);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines[0], "| board |  flash | static RAM | `.text` | `.bss` | `.boot2` |");
        assert_eq!(lines[1], "|---|---:|---:|---:|---:|---:|");
        assert_eq!(lines[3], "| w5500 |  1,256 |          0 |   1,000 |      0 |      256 |");
    }

    #[test]
    fn numbers_are_grouped() {
        let numbers = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(numbers, ["0", "999", "1,000", "1,234,567"]);
    }
}
