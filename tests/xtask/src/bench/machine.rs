//! The machine that the figures were measured on. Figures can be compared only if the machine is known.

use std::{fmt, process::Command, thread};

use procfs::{CpuInfo, Current as _};

use super::peers;
use crate::command;

/// A description of a machine. Documents show it above the figures of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    processor: String,
    cores: usize,
    kernel: String,
    rustc: String,
    cc: String,
    /// The compared libraries and their versions.
    peers: Vec<String>,
}

impl Machine {
    /// Describes this machine. A property that cannot be determined is described as unknown.
    pub fn here() -> Self {
        Self {
            processor: processor(),
            cores: thread::available_parallelism().map_or(1, usize::from),
            kernel: version_of("uname", "-sr"),
            rustc: version_of("rustc", "--version"),
            cc: version_of("cc", "--version"),
            peers: peers::versions(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processor, cores, kernel, rustc, cc, peers } = self;
        write!(f, "{processor}, {cores} cores, {kernel}; {rustc}; {cc}; {}", peers.join(", "))
    }
}

fn processor() -> String {
    let processors = CpuInfo::current().ok();
    let name = processors.as_ref().and_then(|processors| processors.model_name(0));
    name.unwrap_or("a processor of unknown kind").to_owned()
}

/// Returns the first line of a program's output.
fn version_of(program: &str, argument: &str) -> String {
    let line = command::first_line(Command::new(program).arg(argument));
    line.unwrap_or_else(|_| format!("{program} of unknown version"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_missing_has_an_unknown_version() {
        assert_eq!(
            version_of("no-such-program", "--version"),
            "no-such-program of unknown version"
        );
    }

    #[test]
    fn a_machine_is_one_line() {
        let line = Machine::here().to_string();
        assert!(!line.contains('\n') && line.contains("rustc"), "{line}");
    }
}
