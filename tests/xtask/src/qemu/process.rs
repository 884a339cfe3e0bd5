//! A child process that cannot outlive its welcome.
//!
//! It is killed and reaped when its time is up and when its last [`Process`] is dropped. Only the
//! handle that started it is ever used, so no other process can be hit by a reused number.

use std::{
    fmt,
    process::{Child, Command, ExitStatus},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use crate::command::{POLL, cannot_start};

/// A running or ended child process; clones are the same process.
#[derive(Clone)]
pub struct Process(Arc<Shared>);

struct Shared {
    child: Arc<Mutex<Child>>,
    pid: u32,
    /// Dropped with the process, which ends the watchdog's wait.
    _watchdog: mpsc::Sender<()>,
}

impl Process {
    /// Starts `command`, to be killed when `limit` has passed.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(command: &mut Command, limit: Option<Duration>) -> Result<Self> {
        let child = command.spawn().with_context(|| cannot_start(command))?;
        let pid = child.id();
        let child = Arc::new(Mutex::new(child));
        let (alive, ended) = mpsc::channel();
        if let Some(limit) = limit {
            let child = Arc::clone(&child);
            thread::spawn(move || {
                if ended.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                    // It may have ended by itself a moment ago, which is as good.
                    let _ = lock(&child).kill();
                }
            });
        }
        Ok(Self(Arc::new(Shared { child, pid, _watchdog: alive })))
    }

    /// The process's number, to look it up under `/proc`.
    pub fn pid(&self) -> u32 {
        self.0.pid
    }

    /// How the process ended, or `None` while it runs.
    ///
    /// # Errors
    /// When the operating system does not say.
    pub fn status(&self) -> Result<Option<ExitStatus>> {
        lock(&self.0.child).try_wait().context("cannot ask whether QEMU runs")
    }

    /// Waits for the process to end, for `limit` at most; `None` means that it still runs.
    ///
    /// # Errors
    /// When the operating system does not say.
    pub fn wait(&self, limit: Duration) -> Result<Option<ExitStatus>> {
        let deadline = Instant::now() + limit;
        loop {
            let status = self.status()?;
            if status.is_some() || Instant::now() >= deadline {
                return Ok(status);
            }
            thread::sleep(POLL);
        }
    }

    /// Ends the process at once; without effect when it has ended.
    pub fn kill(&self) {
        // The only error is that it has ended already.
        let _ = lock(&self.0.child).kill();
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let mut child = lock(&self.child);
        // Both fail only when it has ended and been reaped.
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Process").field(&self.0.pid).finish()
    }
}

/// A panic elsewhere is no reason to leave the child running.
fn lock(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{os::unix::process::ExitStatusExt, path::PathBuf};

    const LIMIT: Duration = Duration::from_secs(20);

    fn sleeper(limit: Option<Duration>) -> Process {
        Process::spawn(Command::new("sleep").arg("1000"), limit).unwrap()
    }

    #[test]
    fn a_process_is_killed_when_its_time_is_up() {
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
    fn a_process_that_ends_by_itself_keeps_its_status() {
        let process = Process::spawn(Command::new("sh").args(["-c", "exit 7"]), None).unwrap();
        assert_eq!(process.wait(LIMIT).unwrap().unwrap().code(), Some(7));
        process.kill();
        assert_eq!(process.status().unwrap().unwrap().code(), Some(7));
    }
}
