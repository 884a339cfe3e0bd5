//! A program that is measured: read line by line, within a time limit, and never left behind.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail};

use super::place::Place;
use crate::command::{cannot_start, describe};

/// A program that runs. Dropping it ends it.
pub struct Process {
    child: Child,
    name: String,
    lines: Receiver<String>,
    said: Option<JoinHandle<String>>,
    deadline: Instant,
}

/// What a program has written.
pub struct Output {
    /// Lines of its standard output that nobody has taken before.
    pub lines: Vec<String>,
    /// Its standard error.
    pub said: String,
}

impl Process {
    /// Starts a program that has to be done by a time, on a processor of its own.
    ///
    /// # Errors
    /// When it cannot be started, or not be kept to the processor.
    pub fn start(command: &mut Command, place: Place, deadline: Instant) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| cannot_start(command))?;
        let out = child.stdout.take().context("its output is piped")?;
        let mut error = child.stderr.take().context("its errors are piped")?;
        let (sender, lines) = channel();
        thread::spawn(move || {
            // It ends with the program, or when nobody is interested any more.
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let said = thread::spawn(move || {
            let mut bytes = Vec::new();
            // What was read before an error is still worth showing.
            let _ = error.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        });
        let name = describe(command);
        let process = Self { child, name, lines, said: Some(said), deadline };
        place.keep(&process.child)?;
        Ok(process)
    }

    /// The next line of its output.
    ///
    /// # Errors
    /// When it has ended, with what it said of that, or when its time is up.
    pub fn line(&mut self) -> Result<String> {
        match self.lines.recv_timeout(self.left()) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Disconnected) => {
                let said = self.end().err();
                Err(said.unwrap_or_else(|| anyhow!("{} has ended too early", self.name)))
            }
            Err(RecvTimeoutError::Timeout) => bail!("it is late: {}", self.name),
        }
    }

    /// Lets it go on: a line of its input.
    ///
    /// # Errors
    /// When it does not listen.
    pub fn go(&mut self) -> Result<()> {
        let input = self.child.stdin.as_mut().context("its input is piped")?;
        writeln!(input, "go").with_context(|| format!("it does not listen: {}", self.name))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it fails, with what it said of that, or when its time is up.
    pub fn end(&mut self) -> Result<Output> {
        let mut lines = Vec::new();
        loop {
            match self.lines.recv_timeout(self.left()) {
                Ok(line) => lines.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => bail!("it does not end: {}", self.name),
            }
        }
        let status = self.child.wait()?;
        let said = self.said.take().map(JoinHandle::join);
        let said = said.transpose().map_err(|_| anyhow!("its errors could not be read"))?;
        let said = said.unwrap_or_default();
        if !status.success() {
            let why = said.lines().rfind(|line| line.starts_with("error")).unwrap_or(said.trim());
            bail!("{}: {why} ({status})", self.name);
        }
        Ok(Output { lines, said })
    }

    /// The same, but for no longer than this.
    ///
    /// # Errors
    /// As [`end`](Self::end).
    pub fn end_within(&mut self, limit: Duration) -> Result<Output> {
        self.deadline = self.deadline.min(Instant::now() + limit);
        self.end()
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Where it fails the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Process {
        let mut command = Command::new("sh");
        let deadline = Instant::now() + limit;
        Process::start(command.args(["-c", script]), Place::ANY, deadline).unwrap()
    }

    const LIMIT: Duration = Duration::from_secs(60);

    #[test]
    fn a_program_is_read_and_told_to_go_on() {
        let mut process = shell("echo one; read word; echo $word; echo two >&2", LIMIT);
        assert_eq!(process.line().unwrap(), "one");
        process.go().unwrap();
        let Output { lines, said } = process.end().unwrap();
        assert_eq!((lines, said), (vec!["go".to_owned()], "two\n".to_owned()));
    }

    #[test]
    fn a_program_that_fails_says_why() {
        let error = shell("echo error: no port >&2; echo x >&2; exit 3", LIMIT).line().unwrap_err();
        assert!(error.to_string().ends_with(": error: no port (exit status: 3)"), "{error}");
        let error = shell("exit 0", LIMIT).line().unwrap_err();
        assert!(error.to_string().ends_with("has ended too early"), "{error}");
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let mut process = shell("exec sleep 1000", Duration::from_millis(50));
        let error = process.end().err().unwrap();
        assert!(error.to_string().starts_with("it does not end: "), "{error}");
        let number = process.child.id();
        drop(process);
        assert!(!std::path::Path::new(&format!("/proc/{number}")).exists(), "it was waited for");
    }
}
