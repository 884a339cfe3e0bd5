//! The tables of crates and of variables.

use std::{collections::BTreeMap, path::Path};

use anyhow::Result;

use super::crates::{Share, Shares, variables};
use crate::table::{Table, grouped};

/// Crates that have fewer bytes than this in every firmware are summed up in one row.
const SMALL: u64 = 256;
/// The name of the row with the sum of the crates with fewer than [`SMALL`] bytes.
const OTHERS: &str = "(smaller crates)";
/// Variables with fewer bytes than this are not listed.
const SHORT: u64 = 32;

/// Returns a table of crates and their bytes in each firmware. The last row is the sum.
pub fn table(title: &str, firmware: &[(&str, Shares)], bytes: impl Fn(&Share) -> u64) -> Table {
    let mut crates: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (column, (_, shares)) in firmware.iter().enumerate() {
        for (name, share) in shares {
            let row = crates.entry(name).or_insert_with(|| vec![0; firmware.len()]);
            row[column] = bytes(share);
        }
    }
    let mut others = vec![0; firmware.len()];
    let mut sums = vec![0; firmware.len()];
    let mut rows = Vec::new();
    for (name, row) in crates {
        sums.iter_mut().zip(&row).for_each(|(sum, bytes)| *sum += bytes);
        if row.iter().all(|bytes| *bytes < SMALL) {
            others.iter_mut().zip(&row).for_each(|(sum, bytes)| *sum += bytes);
        } else {
            rows.push((name, row));
        }
    }
    rows.sort_by_key(|(name, row)| (name.starts_with('('), u64::MAX - row[0]));
    rows.extend([(OTHERS, others), ("all", sums)]);
    let boards = firmware.iter().map(|(board, _)| format!(" | {board}"));
    let mut table = Table::new(title, &format!("crate{}", boards.collect::<String>()));
    for (name, row) in rows {
        table.row(name, row.into_iter().map(grouped));
    }
    table
}

/// Returns the table of a firmware's largest variables.
pub fn variables_table(title: &str, elf: &Path) -> Result<Table> {
    let mut table = Table::new(title, "variable | bytes");
    for variable in variables(elf)?.into_iter().filter(|variable| variable.size >= SHORT) {
        table.row(&variable.name, [grouped(variable.size)]);
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Format;

    #[test]
    fn small_crates_share_a_row_and_the_last_row_is_the_sum_of_all() {
        let shares = |crates: &[(&str, u64)]| {
            let share = |flash| Share { flash, ..Share::default() };
            crates.iter().map(|(name, bytes)| ((*name).to_owned(), share(*bytes))).collect()
        };
        let firmware = [
            ("one", shares(&[("core", 700), ("app", 10), ("(vectors)", 440), ("bit", 3)])),
            ("two", shares(&[("core", 900), ("app", 300), ("net", 5_000)])),
        ];
        let expected = "\
crate               one    two
core                700    900
app                  10    300
net                   0  5,000
(vectors)           440      0
(smaller crates)      3      0
all               1,153  6,200
";
        let table = table("", &firmware, |share| share.flash);
        assert_eq!(table.grid(Format::Plain), expected);
    }
}
