//! Counts the instructions of a run with valgrind's callgrind.
//!
//! Only instructions of the program are counted, not instructions of the operating system. Two runs of the same command
//! have the same count, except for code that depends on addresses or on the time.

use std::{process::Command, time::Duration};

use anyhow::{Context, Result};

use crate::command::{self, describe};

/// The environment variable that makes the C library use the same `memcpy` on every processor.
const SAME_EVERYWHERE: (&str, &str) = (
    "GLIBC_TUNABLES",
    "glibc.cpu.hwcaps=-AVX2,-AVX512F,-AVX512VL,-ERMS,-FSRM,-AVX_Fast_Unaligned_Load",
);

/// Counts the instructions of a command.
///
/// # Errors
/// If the command fails, or has not ended after `limit`.
pub fn instructions(counted: &Command, limit: Duration) -> Result<u64> {
    let mut valgrind = Command::new("valgrind");
    valgrind.env(SAME_EVERYWHERE.0, SAME_EVERYWHERE.1);
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    // Under callgrind, a program cannot raise its stack limit.
    valgrind.arg("--main-stacksize=104857600");
    valgrind.arg(counted.get_program()).args(counted.get_args());
    let output = command::capture(&mut valgrind, limit).with_context(|| describe(&valgrind))?;
    collected(&output).with_context(|| format!("valgrind printed no count:\n{output}"))
}

/// Returns the number in callgrind's line `==1== Collected : 1837700`.
pub fn collected(output: &str) -> Option<u64> {
    let (_, number) = output.lines().find_map(|line| line.split_once("Collected : "))?;
    number.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_parsed_from_callgrinds_output() {
        let output = "==7== Events    : Ir\n==7== Collected : 1837700\n==7== \n==7== I   refs: 1";
        assert_eq!(collected(output), Some(1_837_700));
        assert_eq!(collected("==7== valgrind: no"), None);
    }
}
