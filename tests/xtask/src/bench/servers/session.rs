//! Runs one server with one load: starts the server, starts the clients with the address of the server, waits until
//! both programs have ended, and checks the result.
//!
//! Both programs must succeed, and the server must have served all connections and bytes of the load. If one of these
//! conditions is not met, the command fails and reports no figure.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Result, bail, ensure};

use super::{
    cores::{Cores, clean_command},
    report::{Report, address},
};
use crate::process::ControlledProcess;

/// The sizes of a small message and of a block, in bytes. The clients have the same constants.
const MESSAGE: u64 = 64;
const BLOCK: u64 = 1 << 20;

/// The time limit of a run. Runs under valgrind take longest.
const LIMIT: Duration = Duration::from_secs(60);

/// After clients have failed, the time to wait for the server's own error message.
const GRACE: Duration = Duration::from_secs(1);

/// The work of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// Connections that are greeted and closed.
    Hello {
        /// The number of connections.
        connections: u64,
        /// The number of connections at once.
        concurrency: u64,
    },
    /// Small messages that come back.
    Echo {
        /// The number of connections.
        connections: u64,
        /// The total number of messages, in addition to a first message on each connection.
        messages: u64,
    },
    /// Blocks of a mebibyte that come back, on one connection.
    Bulk {
        /// The number of blocks, in addition to a first block.
        blocks: u64,
    },
    /// Connections that are silent and then send one message each.
    Idle {
        /// The number of connections.
        connections: u64,
    },
}

/// The tool that runs the server, if any.
pub enum Tool {
    /// No tool.
    None,
    /// callgrind, which counts the server's instructions.
    Callgrind,
    /// strace, which counts the server's system calls and writes the counts into this file.
    Strace(PathBuf),
}

/// The result of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The server's processor time in µs, in user space and in the kernel together. The separate times are less
    /// precise: the system only estimates them from clock ticks.
    pub cpu: f64,
    /// The clients' processor time in µs.
    pub load_cpu: f64,
    /// The time from the first operation to the last, in µs.
    pub wall: f64,
    /// The number of connections, messages or blocks.
    pub operations: f64,
    /// The median duration of an operation in µs.
    pub p50: f64,
    /// The duration in µs that one operation in a hundred exceeds.
    pub p99: f64,
    /// The memory that the server reported: before the first message, and after all messages.
    pub memory: Vec<Report>,
    /// The server's standard error, which contains the output of the tool.
    pub stderr: String,
}

impl Load {
    /// Returns the arguments of a server.
    fn server(self) -> String {
        let (_, bytes) = self.served();
        match self {
            Self::Hello { connections, .. } => format!("hello {connections}"),
            Self::Echo { connections, .. } => format!("echo {} {bytes}", connections * MESSAGE),
            Self::Bulk { .. } => format!("echo {BLOCK} {bytes}"),
            Self::Idle { connections } => format!("idle {connections} {bytes}"),
        }
    }

    /// Returns the arguments of the clients.
    fn clients(self, address: &str) -> String {
        let (name, counts) = match self {
            Self::Hello { connections, concurrency } => {
                ("hello", format!("{connections} {concurrency}"))
            }
            Self::Echo { connections, messages } => ("echo", format!("{connections} {messages}")),
            Self::Bulk { blocks } => ("bulk", blocks.to_string()),
            Self::Idle { connections } => ("idle", connections.to_string()),
        };
        format!("{name} {address} {} {counts}", LIMIT.as_secs())
    }

    /// Returns the number of connections that a server must have closed, and the number of bytes that it must have
    /// received.
    const fn served(self) -> (u64, u64) {
        match self {
            Self::Hello { connections, .. } => (connections, 0),
            Self::Echo { connections, messages } => {
                (connections, (connections + messages) * MESSAGE)
            }
            Self::Bulk { blocks } => (1, (blocks + 1) * BLOCK),
            Self::Idle { connections } => (connections, connections * MESSAGE),
        }
    }
}

impl Tool {
    fn command(&self, server: &Path) -> Command {
        match self {
            Self::None => clean_command(server),
            Self::Callgrind => {
                let mut valgrind = clean_command("valgrind");
                valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(server);
                valgrind
            }
            Self::Strace(file) => {
                let mut strace = clean_command("strace");
                strace.args(["-c", "-f", "-o"]).arg(file).arg(server);
                strace
            }
        }
    }
}

/// Runs a server and its clients. Returns the result of the run.
pub fn run(
    server: &Path,
    clients: &Path,
    load: Load,
    tool: &Tool,
    cores: Cores,
) -> Result<Outcome> {
    let mut command = tool.command(server);
    command.args(load.server().split(' '));
    let mut server = ControlledProcess::start(&mut command, LIMIT)?;
    cores.server.pin(server.process())?;
    let first = server.line()?;
    let mut command = clean_command(clients);
    command.args(load.clients(address(&first)?).split(' '));
    let mut clients = ControlledProcess::start(&mut command, LIMIT)?;
    cores.load.pin(clients.process())?;
    let mut memory = Vec::new();
    if let Load::Idle { .. } = load {
        // Nothing is sent before the server has accepted all connections and measured its memory.
        memory.push(Report::parse("memory", &server.line()?)?);
        ensure!(clients.line()? == "connected", "the clients should be connected");
        clients.go()?;
    }
    let ended = match clients.end() {
        Ok(output) => output,
        // If the server has failed, add its error. The clients only know that a connection was lost.
        Err(error) => {
            return Err(match server.end_within(GRACE) {
                Err(why) => error.context(why.to_string()),
                Ok(_) => error,
            });
        }
    };
    let clients = Report::parse("load", only(&ended.lines)?)?;
    let output = server.end()?;
    let mut lines = output.lines.as_slice();
    if let (Load::Idle { .. }, [warm, rest @ ..]) = (load, lines) {
        memory.push(Report::parse("memory", warm)?);
        lines = rest;
    }
    let usage = Report::parse("usage", only(lines)?)?;
    let served = (usage.number("connections")?, usage.number("bytes")?);
    let (connections, bytes) = load.served();
    ensure!(
        served == (connections as f64, bytes as f64),
        "the server should have served {connections} connections and {bytes} bytes: {usage:?}"
    );
    Ok(Outcome {
        cpu: usage.number("user")? + usage.number("system")?,
        load_cpu: clients.number("cpu")?,
        wall: clients.number("wall")?,
        operations: clients.number("operations")?,
        p50: clients.number("p50")?,
        p99: clients.number("p99")?,
        memory,
        stderr: output.stderr,
    })
}

fn only(lines: &[String]) -> Result<&str> {
    let [line] = lines else { bail!("this should be one line: {lines:?}") };
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_and_clients_get_matching_arguments() {
        for (load, server, clients) in [
            (Load::Hello { connections: 9, concurrency: 4 }, "hello 9", "hello 1.2.3.4:5 60 9 4"),
            (Load::Echo { connections: 2, messages: 10 }, "echo 128 768", "echo 1.2.3.4:5 60 2 10"),
            (Load::Bulk { blocks: 1 }, "echo 1048576 2097152", "bulk 1.2.3.4:5 60 1"),
            (Load::Idle { connections: 3 }, "idle 3 192", "idle 1.2.3.4:5 60 3"),
        ] {
            assert_eq!((&*load.server(), &*load.clients("1.2.3.4:5")), (server, clients));
        }
    }
}
