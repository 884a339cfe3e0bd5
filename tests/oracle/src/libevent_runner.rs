//! The libevent runner: a separate process that runs batches of programs on libevent, and writes their traces.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::program::Program;

pub struct LibeventRunner {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl LibeventRunner {
    /// Starts the process.
    pub fn start(program: &Path) -> Result<Self> {
        let mut command = Command::new(program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child =
            command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        let input = child.stdin.take();
        let output = child.stdout.take().context("the libevent runner has no output")?;
        Ok(Self { child, input, output: BufReader::new(output) })
    }

    /// Sends programs to the process. Their traces must be read before the next call.
    pub fn send<'p>(&mut self, programs: impl IntoIterator<Item = &'p Program>) -> Result<()> {
        let mut text = String::new();
        for program in programs {
            text += &program.to_string();
            text += "end\n";
        }
        text += "go\n";
        let input = self.input.as_mut().context("the input of the libevent runner is closed")?;
        input.write_all(text.as_bytes()).context("the libevent runner has ended")?;
        input.flush().context("the libevent runner has ended")
    }

    /// Reads the next trace from the process.
    pub fn read_trace(&mut self) -> Result<String> {
        let mut trace = String::new();
        loop {
            let start = trace.len();
            if self.output.read_line(&mut trace)? == 0 {
                let status = self.child.wait()?;
                bail!("the libevent runner ended ({status}) after:\n{trace}");
            }
            if &trace[start..] == "end\n" {
                trace.truncate(start);
                return Ok(trace);
            }
        }
    }
}

impl Drop for LibeventRunner {
    fn drop(&mut self) {
        // The process ends when its input ends.
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
