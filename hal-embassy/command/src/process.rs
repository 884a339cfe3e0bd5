//! A child process with a time limit. The process is always killed and reaped, at the latest when its last
//! handle is dropped.
//!
//! A process is killed only through the handle that started it. So this program never kills another process to which
//! the system has given the same process number later.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{ChildStdin, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail};
use shared_child::SharedChild;

use crate::command::{cannot_start, describe};

/// A running or ended process; clones refer to the same process. The process is killed when its time limit has passed,
/// and is killed and reaped when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Process(Arc<KilledOnDrop>);

#[derive(Debug)]
struct KilledOnDrop(Arc<SharedChild>);

impl Process {
    /// Starts `command`. The process is killed when `limit` has passed; `None` means no limit.
    pub fn spawn(command: &mut Command, limit: Option<Duration>) -> Result<Self> {
        let child = SharedChild::spawn(command).with_context(|| cannot_start(command))?;
        let child = Arc::new(child);
        if let Some(limit) = limit {
            let child = Arc::clone(&child);
            thread::spawn(move || {
                if matches!(child.wait_timeout(limit), Ok(None)) {
                    // `kill` does nothing if the process has just ended.
                    let _ = child.kill();
                }
            });
        }
        Ok(Self(Arc::new(KilledOnDrop(child))))
    }

    /// Returns the child process, for its pipes.
    pub fn child(&self) -> &SharedChild {
        &self.0.0
    }

    /// Returns the process number, for `/proc`.
    pub fn pid(&self) -> u32 {
        self.child().id()
    }

    /// Returns the exit status, or `None` while the process runs.
    pub fn status(&self) -> Result<Option<ExitStatus>> {
        self.child().try_wait().context("cannot get the status of a process")
    }

    /// Waits for the end of the process, at most `limit`. Returns `None` if the process still runs.
    pub fn wait(&self, limit: Duration) -> Result<Option<ExitStatus>> {
        self.child().wait_timeout(limit).context("cannot wait for a process")
    }

    /// Kills the process. Does nothing if the process has ended.
    pub fn kill(&self) {
        // `kill` fails only if the process has already ended.
        let _ = self.child().kill();
    }
}

impl Drop for KilledOnDrop {
    fn drop(&mut self) {
        // Both calls fail only if the process has ended and was reaped.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads all of `pipe` on a separate thread, so that a full pipe never blocks its writer.
pub(crate) fn read_in_background(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // Keep the bytes that were read before an error: they are still useful in an error message.
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        bytes
    })
}

/// A process that is controlled line by line and must end by a deadline.
pub struct ControlledProcess {
    process: Process,
    name: String,
    input: ChildStdin,
    lines: Receiver<String>,
    stderr: Option<JoinHandle<Vec<u8>>>,
    deadline: Instant,
}

/// The output of a process.
#[derive(Debug)]
pub struct Output {
    /// The lines of the standard output that [`ControlledProcess::line`] has not returned.
    pub lines: Vec<String>,
    /// The standard error.
    pub stderr: String,
}

impl ControlledProcess {
    /// Starts a program with a time limit.
    pub fn start(command: &mut Command, limit: Duration) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let process = Process::spawn(command, None)?;
        let input = process.child().take_stdin().context("its input is piped")?;
        let out = process.child().take_stdout().context("its output is piped")?;
        let stderr = read_in_background(process.child().take_stderr());
        let (sender, lines) = channel();
        thread::spawn(move || {
            // The thread ends with the program, or when the receiver is dropped.
            let mut lines = BufReader::new(out).lines().map_while(Result::ok);
            lines.try_for_each(|line| sender.send(line))
        });
        let (name, deadline) = (describe(command), Instant::now() + limit);
        Ok(Self { process, name, input, lines, stderr: Some(stderr), deadline })
    }

    /// Returns the process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Returns the next line of the program's output.
    ///
    /// # Errors
    /// If the program has ended, or its time limit has passed. In the first case the error contains the program's error
    /// output.
    pub fn line(&mut self) -> Result<String> {
        match self.lines.recv_timeout(self.left()) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Disconnected) => {
                let error = self.end().err();
                Err(error.unwrap_or_else(|| anyhow!("{} has ended too early", self.name)))
            }
            Err(RecvTimeoutError::Timeout) => {
                bail!("no line of output within the time limit: {}", self.name)
            }
        }
    }

    /// Sends the line `go` to a program that waits for a line before it continues.
    pub fn go(&mut self) -> Result<()> {
        self.send("go")
    }

    /// Sends a line to the program.
    pub fn send(&mut self, line: &str) -> Result<()> {
        writeln!(self.input, "{line}")
            .with_context(|| format!("cannot write to the standard input of {}", self.name))
    }

    /// Waits for the end of the program.
    ///
    /// # Errors
    /// If the program fails, or its time limit has passed. In the first case the error contains the program's error
    /// output.
    pub fn end(&mut self) -> Result<Output> {
        let timed_out = || format!("it has not ended within the time limit: {}", self.name);
        let status = self.process.wait(self.left())?.with_context(timed_out)?;
        let stderr = self.stderr.take().map(JoinHandle::join).transpose();
        let stderr =
            stderr.map_err(|_| anyhow!("cannot read its standard error"))?.unwrap_or_default();
        let stderr = String::from_utf8_lossy(&stderr).into_owned();
        if !status.success() {
            let reason =
                stderr.lines().rfind(|line| line.starts_with("error")).unwrap_or(stderr.trim());
            bail!("{}: {reason} ({status})", self.name);
        }
        Ok(Output { lines: self.lines.iter().collect(), stderr })
    }

    /// Waits for the end of the program like [`end`](Self::end), but at most `limit`.
    ///
    /// # Errors
    /// Like [`end`](Self::end).
    pub fn end_within(&mut self, limit: Duration) -> Result<Output> {
        self.deadline = self.deadline.min(Instant::now() + limit);
        self.end()
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{os::unix::process::ExitStatusExt, path::PathBuf};

    const LIMIT: Duration = Duration::from_secs(60);

    fn sleeper(limit: Option<Duration>) -> Process {
        Process::spawn(Command::new("sleep").arg("1000"), limit).unwrap()
    }

    fn shell(script: &str, limit: Duration) -> ControlledProcess {
        ControlledProcess::start(Command::new("sh").args(["-c", script]), limit).unwrap()
    }

    #[test]
    fn a_process_is_killed_after_its_time_limit() {
        let process = sleeper(Some(Duration::from_millis(20)));
        let status = process.wait(LIMIT).unwrap().expect("it still runs");
        assert_eq!(status.signal(), Some(9));
        process.kill();
    }

    #[test]
    fn a_process_is_gone_when_its_last_handle_is_dropped() {
        let process = sleeper(None);
        let entry = PathBuf::from(format!("/proc/{}", process.pid()));
        let clone = process.clone();
        drop(process);
        assert_eq!(clone.status().unwrap(), None);
        assert!(entry.exists());
        drop(clone);
        assert!(!entry.exists());
    }

    #[test]
    fn lines_are_read_from_and_sent_to_a_program() {
        let mut program = shell("echo one; read word; echo $word; echo two >&2", LIMIT);
        assert_eq!(program.line().unwrap(), "one");
        program.go().unwrap();
        let Output { lines, stderr } = program.end().unwrap();
        assert_eq!((lines, stderr), (vec!["go".to_owned()], "two\n".to_owned()));
        assert_eq!(program.process().status().unwrap().unwrap().code(), Some(0));
    }

    #[test]
    fn the_error_of_a_failed_program_contains_its_error_output() {
        let error = shell("echo error: no port >&2; echo x >&2; exit 3", LIMIT).line().unwrap_err();
        assert!(error.to_string().ends_with(": error: no port (exit status: 3)"), "{error}");
        let error = shell("exit 0", LIMIT).line().unwrap_err();
        assert!(error.to_string().ends_with("has ended too early"), "{error}");
    }

    #[test]
    fn a_program_that_hangs_is_an_error() {
        let error = shell("exec sleep 1000", Duration::from_millis(50)).end().unwrap_err();
        assert!(
            error.to_string().starts_with("it has not ended within the time limit: "),
            "{error}"
        );
    }
}
