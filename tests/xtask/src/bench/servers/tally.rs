//! Counts the instructions in user space (with callgrind) and the system calls (with strace) of one operation of a
//! server. These counts do not depend on other programs.
//!
//! Each count is the difference between two runs, divided by the difference in operations. So the start and the end of
//! the server are not counted. The clients are not counted either.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use tempfile::NamedTempFile;

use super::{
    cores::Cores,
    session::{self, Load, Tool},
};
use crate::callgrind::collected;

/// Returns the instructions of one operation of a server, from two loads that differ in their number of
/// operations.
pub fn instructions(
    server: &Path,
    clients: &Path,
    loads: [(Load, u64); 2],
    cores: Cores,
) -> Result<f64> {
    per_operation(loads, |load| {
        let outcome = session::run(server, clients, load, &Tool::Callgrind, cores)?;
        let count = collected(&outcome.stderr);
        count.with_context(|| format!("valgrind printed no count:\n{}", outcome.stderr))
    })
}

/// Returns the number of system calls of one operation, from the two loads as in [`instructions`].
pub fn system_calls(
    server: &Path,
    clients: &Path,
    loads: [(Load, u64); 2],
    cores: Cores,
) -> Result<f64> {
    per_operation(loads, |load| {
        let file = NamedTempFile::new().context("cannot make a file for strace's counts")?;
        session::run(server, clients, load, &Tool::Strace(file.path().to_owned()), cores)?;
        let table = fs::read_to_string(file.path()).context("strace wrote no file")?;
        calls(&table).with_context(|| format!("strace counted no calls:\n{table}"))
    })
}

fn per_operation(
    [less, more]: [(Load, u64); 2],
    count: impl Fn(Load) -> Result<u64>,
) -> Result<f64> {
    let (few, many) = (count(less.0)?, count(more.0)?);
    Ok((many as f64 - few as f64) / (more.1 - less.1) as f64)
}

/// Returns the sum of the column `calls` in strace's table.
fn calls(table: &str) -> Option<u64> {
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [share, _, _, calls, .., name] = words.as_slice() else { return None };
        (share.parse::<f64>().is_ok() && *name != "total").then(|| calls.parse::<u64>().ok())?
    };
    let rows: Vec<u64> = table.lines().filter_map(row).collect();
    (!rows.is_empty()).then(|| rows.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn straces_calls_are_added_up_with_and_without_errors() {
        let table = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 50.00    0.000210           2       100           read
 50.00    0.000210           2        20         3 accept4
------ ----------- ----------- --------- --------- ----------------
100.00    0.000420           2       120         3 total
";
        assert_eq!(calls(table), Some(120));
        assert_eq!(calls("strace: no such program"), None);
    }
}
