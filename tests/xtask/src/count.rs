//! `cargo xtask count`: the instructions of each operation of the core.
//!
//! Times differ from run to run, but numbers of instructions do not. So valgrind counts instructions. The program
//! `tests/bench` repeats an operation in two runs, more often in the second run. The difference between the two runs
//! does not contain the start-up or the filling of the tables.
//!
//! The counts are instructions of this machine's processor. The command writes the counts into `docs/performance.md`.
//! The command fails if an operation's cost grows too fast with the size of the tables.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    callgrind, command, generated, setup,
    table::{Format, Table, grouped},
    workspace,
};

/// The measured sizes of the core's tables, in slots. The program `tests/bench` has the same constants.
const SIZES: [u32; 4] = [10, 100, 1_000, 10_000];

/// The numbers of repetitions in the two runs.
const TIMES: [u64; 2] = [2_000, 12_000];

/// The time limit of a run. A run takes a second.
const LIMIT: Duration = Duration::from_secs(120);

/// The allowed growth of an operation's cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    /// The cost does not grow.
    Flat,
    /// The cost grows with the logarithm of the size.
    Logarithmic,
}

/// An operation, and its instructions for several table sizes.
pub struct Row<const N: usize> {
    /// The operation's name in the program.
    pub name: String,
    /// The allowed growth of the operation's cost.
    pub growth: Growth,
    /// The operation's instructions, one count for each table size.
    pub counts: [u64; N],
}

/// Counts the instructions, prints the table, and writes the table into `docs/performance.md`.
///
/// # Errors
/// If the program cannot be built or run, or an operation's cost grows too fast.
pub fn run() -> Result<()> {
    let rows = measure(SIZES)?;
    let table = table(&rows).grid(Format::Markdown);
    println!("\n{table}");
    generated::write_section(&workspace::root().join("docs/performance.md"), "count", &table)?;
    rows.iter().try_for_each(check_growth)
}

/// Counts each operation on tables of these sizes, which the program must support.
pub fn measure<const N: usize>(sizes: [u32; N]) -> Result<Vec<Row<N>>> {
    setup::tool("valgrind")?;
    let program = build()?;
    let mut rows = Vec::new();
    for (growth, name) in operations(&program)? {
        println!("{name} ...");
        let mut counts = [0; N];
        for (count, size) in counts.iter_mut().zip(sizes) {
            *count = per_operation(&program, &name, size)?;
        }
        rows.push(Row { name, growth, counts });
    }
    Ok(rows)
}

fn build() -> Result<PathBuf> {
    let mut cargo = command::cargo(&workspace::root());
    cargo.args(["build", "--release", "--package", "picoevent-bench"]);
    command::build_one(&mut cargo)
}

/// Returns the operations that the program lists.
fn operations(program: &Path) -> Result<Vec<(Growth, String)>> {
    let list = command::capture(&mut Command::new(program), LIMIT)?;
    let line = |line: &str| match line.split_once('\t') {
        Some(("Flat", name)) => Ok((Growth::Flat, name.to_owned())),
        Some(("Logarithmic", name)) => Ok((Growth::Logarithmic, name.to_owned())),
        _ => bail!("the program listed the invalid line {line:?}"),
    };
    list.lines().map(line).collect()
}

/// Returns the instructions of one operation, rounded.
fn per_operation(program: &Path, name: &str, size: u32) -> Result<u64> {
    let [few, many] = TIMES;
    let (less, more) = (count(program, name, size, few)?, count(program, name, size, many)?);
    let difference = more.checked_sub(less).context("more operations took fewer instructions")?;
    Ok((difference + (many - few) / 2) / (many - few))
}

/// Returns the instructions of one run.
fn count(program: &Path, name: &str, size: u32, times: u64) -> Result<u64> {
    let mut run = Command::new(program);
    run.args([name, &size.to_string(), &times.to_string()]);
    callgrind::instructions(&run, LIMIT)
}

/// Checks the growth of an operation's cost. Flat costs may differ only by measurement noise. Each time that the size
/// grows tenfold, a logarithmic cost grows by the same amount. A linear cost grows by much more.
fn check_growth(row: &Row<{ SIZES.len() }>) -> Result<()> {
    let Row { name, growth, counts } = row;
    let [ten, hundred, thousand, most] = *counts;
    let is_right = match growth {
        Growth::Flat => counts.iter().all(|count| count.abs_diff(ten) * 20 <= ten),
        Growth::Logarithmic => {
            most.saturating_sub(thousand) <= 2 * hundred.saturating_sub(ten).max(20)
        }
    };
    ensure!(is_right, "{name} should be {growth:?}: {counts:?}");
    Ok(())
}

fn table(rows: &[Row<{ SIZES.len() }>]) -> Table {
    let mut table = Table::new("", "operation | 10 | 100 | 1,000 | 10,000");
    for Row { name, counts, .. } in rows {
        table.row(name, counts.map(grouped));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(growth: Growth, counts: [u64; 4]) -> Row<4> {
        Row { name: "timer armed".to_owned(), growth, counts }
    }

    #[test]
    fn an_operation_that_grows_too_fast_is_an_error() {
        assert!(check_growth(&row(Growth::Flat, [100, 103, 100, 105])).is_ok());
        assert!(check_growth(&row(Growth::Flat, [100, 100, 100, 106])).is_err());
        assert!(check_growth(&row(Growth::Logarithmic, [100, 200, 310, 420])).is_ok());
        let error = check_growth(&row(Growth::Logarithmic, [100, 200, 1_200, 11_200]));
        assert!(error.unwrap_err().to_string().starts_with("timer armed should be Logarithmic"));
    }

    #[test]
    fn the_table_has_a_row_for_each_operation() {
        let table = table(&[row(Growth::Flat, [7, 70, 1_234, 1_234_567])]);
        assert_eq!(table.rows, [["timer armed", "7", "70", "1,234", "1,234,567"]]);
        assert_eq!(table.columns.len(), 1 + SIZES.len());
    }
}
