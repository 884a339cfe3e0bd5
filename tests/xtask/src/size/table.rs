//! The table of boards.

use super::Usage;
use crate::table::{Table, grouped};

/// Returns a table with a row for each board: its flash, its static RAM, and the size of each section. There is a
/// column for each section that at least one board has.
pub fn table(rows: &[(&str, Usage)]) -> Table {
    let sections = sections(rows);
    let titles: String = sections.iter().map(|name| format!(" | `{name}`")).collect();
    let columns = format!("board | flash | static RAM{titles}");
    let mut table = Table::new("hello-world, release build, bytes", &columns);
    for (board, usage) in rows {
        let cells = sections.iter().map(|wanted| {
            let sizes = usage.sections.iter().filter(|(name, _)| name == wanted);
            sizes.map(|(_, size)| size).sum()
        });
        let numbers = [usage.flash, usage.ram].into_iter().chain(cells);
        table.row(board, numbers.map(grouped));
    }
    table
}

/// Returns the names of all sections in the order of their first occurrence, without duplicates.
fn sections<'a>(rows: &'a [(&str, Usage)]) -> Vec<&'a str> {
    let mut names = Vec::new();
    for (name, _) in rows.iter().flat_map(|(_, usage)| &usage.sections) {
        if !names.contains(&&**name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Format;

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
        assert_eq!(table(&rows()).grid(Format::Plain), expected);
    }
}
