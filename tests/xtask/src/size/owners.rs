//! The tables of crates and of variables.

use std::collections::BTreeMap;

use anyhow::Result;

use super::{
    crates::{Shares, variables},
    table::{Lines, grouped},
};

/// Crates with less than this in each firmware are summed up.
const SMALL: u64 = 256;
/// What they are called.
const OTHERS: &str = "(smaller ones)";
/// Variables below this are not listed.
const SHORT: u64 = 32;

/// Writes a table of crates, and what each takes in each firmware; the last line is the sum.
pub fn table(firmware: &[(&str, Shares)], bytes: impl Fn(&super::crates::Share) -> u64) -> Lines {
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
    let mut lines = vec![vec!["crate".to_owned()]];
    lines[0].extend(firmware.iter().map(|(board, _)| (*board).to_owned()));
    lines.extend(rows.into_iter().map(|(name, row)| {
        let cells = row.into_iter().map(grouped);
        [name.to_owned()].into_iter().chain(cells).collect()
    }));
    lines
}

/// Writes the table of a firmware's largest variables.
///
/// # Errors
/// When its file cannot be read.
pub fn variables_table(elf: &std::path::Path) -> Result<Lines> {
    let mut lines = vec![vec!["variable".to_owned(), "bytes".to_owned()]];
    let variables = variables(elf)?.into_iter().filter(|variable| variable.size >= SHORT);
    lines.extend(variables.map(|variable| vec![variable.name, grouped(variable.size)]));
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::size::{
        crates::Share,
        table::{Format, layout},
    };

    #[test]
    fn small_crates_are_summed_up_and_all_are_in_the_sum() {
        let shares = |crates: &[(&str, u64)]| {
            let share = |flash| Share { flash, ..Share::default() };
            crates.iter().map(|(name, bytes)| ((*name).to_owned(), share(*bytes))).collect()
        };
        let firmware = [
            ("one", shares(&[("core", 700), ("app", 10), ("(vectors)", 440), ("bit", 3)])),
            ("two", shares(&[("core", 900), ("app", 300), ("net", 5_000)])),
        ];
        let expected = "\
crate             one    two
core              700    900
app                10    300
net                 0  5,000
(vectors)         440      0
(smaller ones)      3      0
all             1,153  6,200
";
        let lines = table(&firmware, |share| share.flash);
        assert_eq!(layout(&lines, Format::Plain), expected);
    }
}
