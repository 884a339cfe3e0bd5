//! Assigns programs to processors, and raises the limit on descriptors.
//!
//! The server has one processor and the clients have another processor, so that the system does not move these programs
//! to other processors.

use std::{env, process::Command};

use anyhow::{Context, Result, bail};
use rustix::{
    process::{Pid, Resource, Rlimit, getrlimit, setrlimit},
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};

use crate::process::Process;

/// The number of descriptors of a process that are not connections: standard streams, loop and listener.
const OTHERS: u64 = 32;

/// A certain processor, or any processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Core(Option<usize>);

/// The processors of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cores {
    /// The server's processor.
    pub server: Core,
    /// The clients' processor.
    pub load: Core,
}

impl Core {
    /// Any processor.
    pub const ANY: Self = Self(None);

    /// Pins a program to this processor.
    pub fn pin(self, process: &Process) -> Result<()> {
        let Some(processor) = self.0 else { return Ok(()) };
        let mut set = CpuSet::new();
        set.set(processor);
        let number = i32::try_from(process.pid()).ok().and_then(Pid::from_raw);
        match sched_setaffinity(number, &set) {
            // The process has already ended.
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => {
                Err(error).with_context(|| format!("cannot pin it to processor {processor}"))
            }
        }
    }
}

impl Cores {
    /// Returns the first two processors that this process may use, or [`Core::ANY`] for both if there is only one
    /// processor.
    pub fn find() -> Result<Self> {
        let set = sched_getaffinity(None).context("cannot query the available processors")?;
        Ok(Self::of((0..CpuSet::MAX_CPU).filter(|&processor| set.is_set(processor))))
    }

    fn of(mut processors: impl Iterator<Item = usize>) -> Self {
        match (processors.next(), processors.next()) {
            (Some(server), Some(load)) => {
                Self { server: Core(Some(server)), load: Core(Some(load)) }
            }
            _ => Self { server: Core::ANY, load: Core::ANY },
        }
    }

    /// Describes the chosen processors in a sentence.
    pub fn describe(self) -> String {
        match (self.server.0, self.load.0) {
            (Some(server), Some(load)) => {
                format!("The server has processor {server}, the load generator processor {load}.")
            }
            _ => "There is one processor, which server and load generator share.".to_owned(),
        }
    }
}

/// Raises this process's limit on descriptors to the hard limit. Child processes inherit the limit. Returns the limit.
pub fn raise_descriptors() -> Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })
        .context("cannot raise the soft limit of descriptors to the hard limit")?;
    Ok(limit.maximum.unwrap_or(u64::MAX))
}

/// Checks that `limit` is enough for `connections`, with `each` descriptors per connection.
///
/// # Errors
/// If the limit is too low. The error text says how many descriptors are needed, and what to do.
pub fn check_descriptors(limit: u64, connections: u64, each: u64) -> Result<()> {
    let needed = connections * each + OTHERS;
    if limit >= needed {
        return Ok(());
    }
    bail!(
        "{connections} connections need {needed} descriptors and the hard limit is {limit}: \
         raise it, as root with `ulimit -Hn {needed}`"
    )
}

/// Returns a command without the environment variables that `cargo run` has set for this program. These variables would
/// add to the measured memory.
pub fn clean_command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    if let Some(path) = env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_processors_are_used_by_one_program_each_and_one_is_shared() {
        let two = Cores::of([2, 5, 6].into_iter());
        assert_eq!((two.server, two.load), (Core(Some(2)), Core(Some(5))));
        assert!(two.describe().contains("processor 2, the load generator processor 5"));
        let one = Cores::of([3].into_iter());
        assert_eq!((one.server, one.load), (Core::ANY, Core::ANY));
        assert!(one.describe().contains("one processor"));
    }

    #[test]
    fn a_limit_that_is_too_low_is_reported_with_the_number_needed() {
        assert!(check_descriptors(10_032, 10_000, 1).is_ok());
        let error = check_descriptors(4096, 10_000, 1).unwrap_err().to_string();
        assert_eq!(
            error,
            "10000 connections need 10032 descriptors and the hard limit is 4096: \
             raise it, as root with `ulimit -Hn 10032`"
        );
        assert!(check_descriptors(20_000, 10_000, 2).is_err());
    }

    #[test]
    fn the_soft_limit_is_raised_to_the_hard_limit() {
        let limit = raise_descriptors().unwrap();
        assert_eq!(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX), limit);
    }
}
