//! An example that runs as a program on the host.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use xtask::process::ControlledProcess;

/// The time limit of a program.
const LIFE: Duration = Duration::from_secs(24 * 3_600);

/// The time limit for a program to close the connections of clients that have left, and to end.
const LIMIT: Duration = Duration::from_secs(20);

/// A running program. Dropping this value kills the program.
pub struct Program {
    talk: ControlledProcess,
    /// The address on which the program listens.
    pub address: SocketAddr,
}

impl Program {
    /// Starts the program on a free port.
    ///
    /// # Errors
    /// If the program does not print its address.
    pub fn start(path: &Path, arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new(path);
        command.args(["--listen", "127.0.0.1:0"]).args(arguments);
        let mut talk = ControlledProcess::start(&mut command, LIFE)?;
        let line = talk.line()?;
        let address = line.strip_prefix("listening on ").and_then(|text| text.parse().ok());
        let address = address.with_context(|| format!("{} says {line:?}", path.display()))?;
        Ok(Self { talk, address })
    }

    /// Returns the program's resident memory in KiB.
    ///
    /// # Errors
    /// If the program has ended.
    pub fn memory(&self) -> Result<u64> {
        let pid = self.talk.process().pid();
        let status = fs::read_to_string(format!("/proc/{pid}/status"));
        let status = status.context("the program has ended")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        number.context("the system does not say how much memory it has")
    }

    /// Returns the number of open descriptors of the program.
    ///
    /// # Errors
    /// If the program has ended.
    pub fn descriptors(&self) -> Result<usize> {
        let folder = format!("/proc/{}/fd", self.talk.process().pid());
        Ok(fs::read_dir(folder).context("the program has ended")?.count())
    }

    /// Waits until the program has at most `most` descriptors.
    ///
    /// # Errors
    /// If the program still has more descriptors after 20 seconds.
    pub fn wait_for_descriptors(&self, most: usize) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        loop {
            let now = self.descriptors()?;
            if now <= most {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "{now} descriptors are open, and were {most}");
            sleep(Duration::from_millis(20));
        }
    }

    /// Interrupts the program, and checks that it ends cleanly.
    ///
    /// # Errors
    /// If the program fails or does not end.
    pub fn end(mut self) -> Result<()> {
        let pid = i32::try_from(self.talk.process().pid()).ok().and_then(Pid::from_raw);
        kill_process(pid.context("a process has a number")?, Signal::INT)?;
        self.talk.end_within(LIMIT).map(drop)
    }
}
