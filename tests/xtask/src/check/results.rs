//! The summary lines of the test runners. `cargo xtask test` prints these lines again at its end.

use std::{
    fmt,
    io::{BufRead, BufReader, Read, Write, stdout},
};

use anyhow::{Context, Result};

/// The line with the name of a runner starts with one of these words. Some lines later, the summary line follows.
const NAMES: [&str; 2] = ["Running ", "Doc-tests "];

/// The start of a runner's summary line.
const SUMMARY: &str = "test result: ";

/// Summary lines, each with the line that contains the name of the test program.
#[derive(Debug, Default)]
pub struct Results {
    name: String,
    lines: Vec<(String, String)>,
}

impl Results {
    /// Shows the output of `cargo test`, line by line, and records the summary lines.
    pub fn show(&mut self, output: impl Read) -> Result<()> {
        let mut output = BufReader::new(output);
        let mut bytes = Vec::new();
        // A test may print anything, so a line may be invalid UTF-8.
        while output.read_until(b'\n', &mut bytes).context("cannot read the tests' output")? > 0 {
            stdout().write_all(&bytes).context("cannot show the tests' output")?;
            self.take(&String::from_utf8_lossy(&bytes));
            bytes.clear();
        }
        Ok(())
    }

    fn take(&mut self, line: &str) {
        let line = line.trim();
        if NAMES.iter().any(|name| line.starts_with(name)) {
            line.clone_into(&mut self.name);
        } else if line.starts_with(SUMMARY) && !ran_nothing(line) {
            self.lines.push((self.name.clone(), line.to_owned()));
        }
    }
}

/// Returns whether a summary line is from a program without tests. Such lines are left out.
fn ran_nothing(summary: &str) -> bool {
    summary.contains(". 0 passed; 0 failed;")
}

impl fmt::Display for Results {
    /// Writes each summary line after the line with the name of its runner.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, line) in &self.lines {
            writeln!(f, "{name}\n{line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
   Compiling picoevent v0.1.0
     Running unittests src/lib.rs (target/debug/deps/picoevent-0a)

running 2 tests
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

     Running unittests src/main.rs (target/debug/deps/hello-0b)
test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
   Doc-tests picoevent
test result: ok. 10 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s
";

    #[test]
    fn summary_lines_are_repeated_with_their_names_and_empty_ones_are_left_out() {
        let mut results = Results::default();
        OUTPUT.lines().for_each(|line| results.take(line));
        let expected = "\
Running unittests src/lib.rs (target/debug/deps/picoevent-0a)
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
Doc-tests picoevent
test result: ok. 10 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s
";
        assert_eq!(results.to_string(), expected);
    }
}
