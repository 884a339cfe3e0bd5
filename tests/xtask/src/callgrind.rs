//! Counts the instructions of a run with valgrind's callgrind.
//!
//! Only instructions of the program are counted, not those of the system. Two runs of the same command have
//! the same count, except for code that depends on addresses or on the time.

use std::{process::Command, time::Duration};

use anyhow::{Context, Result};

use crate::command::{self, describe};

/// The setting with which the C library uses the same `memcpy` on each processor.
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
    // Under callgrind a program cannot raise its own stack limit.
    valgrind.arg("--main-stacksize=104857600");
    valgrind.arg(counted.get_program()).args(counted.get_args());
    let said = command::capture(&mut valgrind, limit).with_context(|| describe(&valgrind))?;
    collected(&said).with_context(|| format!("valgrind said no count:\n{said}"))
}

/// Returns the number in callgrind's line `==1== Collected : 1837700`.
pub fn collected(said: &str) -> Option<u64> {
    let (_, number) = said.lines().find_map(|line| line.split_once("Collected : "))?;
    number.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_out_of_what_callgrind_says() {
        let said = "==7== Events    : Ir\n==7== Collected : 1837700\n==7== \n==7== I   refs: 1";
        assert_eq!(collected(said), Some(1_837_700));
        assert_eq!(collected("==7== valgrind: no"), None);
    }
}
