//! The harness: the part that all servers share. It defines the command line, the output, and what is counted.
//!
//! This module is for servers in Rust. `c/harness.h` is the same for servers in C.
//!
//! ```text
//!   server hello CONNECTIONS        answers CONNECTIONS connections, and ends
//!   server echo WARM BYTES          echoes BYTES bytes; the first WARM bytes do not count
//!   server idle CONNECTIONS BYTES   holds CONNECTIONS connections, and echoes BYTES bytes
//! ```
//!
//! A server prints its address. At the end it prints the processor time that it has used, and exits. In the workload
//! `idle` it also prints how much memory it uses. A server that loses a byte or a connection, or has another error,
//! prints the reason and exits with status 1. Then the run has no figure.

use std::ffi::OsString;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::process;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt};
use rustix::process::{Signal, set_parent_process_death_signal};

use crate::usage::{Memory, Time};

/// The greeting of [`Workload::Hello`].
pub const GREETING: &[u8] = b"Hello, World!\n";

/// The number of bytes that a server reads at once. If the library of a server determines this number, the server does
/// not use this constant.
pub const READ_SIZE: usize = 64 * 1024;

/// The same value as in `c/harness.c`.
const BACKLOG: i32 = 4096;

/// The workload of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// Greets and closes each connection.
    Hello {
        /// Number of connections.
        connections: u64,
    },
    /// Echoes until all bytes have been received.
    Echo {
        /// Number of bytes at the beginning that are not measured.
        warm: u64,
        /// Total number of bytes.
        bytes: u64,
    },
    /// Echoes on many connections, each with little data.
    Idle {
        /// Number of open connections.
        connections: u64,
        /// Total number of bytes.
        bytes: u64,
    },
}

impl Workload {
    /// Parses a command line without the program's name.
    ///
    /// # Errors
    /// If the command line is invalid. The error is the usage text.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let words: Option<Vec<_>> =
            arguments.into_iter().map(|word| word.into_string().ok()).collect();
        let words = words.unwrap_or_default();
        let numbers: Result<Vec<u64>, _> = words.iter().skip(1).map(|word| word.parse()).collect();
        let numbers = numbers.map_err(|_| "a count must be a number")?;
        match (words.first().map(String::as_str), &*numbers) {
            (Some("hello"), &[connections]) => Ok(Self::Hello { connections }),
            (Some("echo"), &[warm, bytes]) => Ok(Self::Echo { warm, bytes }),
            (Some("idle"), &[connections, bytes]) => Ok(Self::Idle { connections, bytes }),
            _ => Err("usage: hello CONNECTIONS | echo WARM BYTES | idle CONNECTIONS BYTES".into()),
        }
    }

    const fn warm(self) -> u64 {
        match self {
            Self::Echo { warm, .. } => warm,
            Self::Hello { .. } | Self::Idle { .. } => 0,
        }
    }

    const fn bytes(self) -> u64 {
        match self {
            Self::Echo { bytes, .. } | Self::Idle { bytes, .. } => bytes,
            Self::Hello { .. } => 0,
        }
    }
}

/// The state of the harness: the workload, and the counts so far.
#[derive(Debug)]
pub struct Harness {
    workload: Workload,
    accepted: u64,
    closed: u64,
    echoed: u64,
    before: Time,
    after: Time,
    memory: Memory,
    reserved: usize,
}

impl Harness {
    /// Reads the command line of this process.
    pub fn begin() -> Self {
        let workload = Workload::parse(std::env::args_os().skip(1));
        // The server must not outlive the process that started it.
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
        Self {
            workload: workload.unwrap_or_else(|usage| fail(usage)),
            accepted: 0,
            closed: 0,
            echoed: 0,
            before: Time::default(),
            after: Time::default(),
            memory: Memory::default(),
            reserved: 0,
        }
    }

    /// Returns the workload of this server.
    pub const fn workload(&self) -> Workload {
        self.workload
    }

    /// Returns whether the workload is [`Workload::Hello`].
    pub const fn is_hello(&self) -> bool {
        matches!(self.workload, Workload::Hello { .. })
    }

    /// Records how many bytes the server has reserved in advance for connections and their data.
    pub const fn set_reserved(&mut self, bytes: usize) {
        self.reserved = bytes;
    }

    /// Prints the server's address. The figures do not include the time and the memory that the process used before
    /// this call.
    pub fn listening(&mut self, address: SocketAddr) {
        print_line(&format!("listening on {address}"));
        self.memory = memory();
        self.before = Time::now();
    }

    /// Counts an accepted connection.
    pub fn accepted(&mut self) {
        self.accepted += 1;
        if let Workload::Idle { connections, .. } = self.workload
            && connections == self.accepted
        {
            self.print_memory("cold");
        }
    }

    /// Counts bytes that were received and sent back.
    pub fn echoed(&mut self, bytes: usize) {
        let previous = self.echoed;
        self.echoed += bytes as u64;
        let (warm, all) = (self.workload.warm(), self.workload.bytes());
        if previous < warm && self.echoed >= warm {
            self.before = Time::now();
        }
        if previous < all && self.echoed >= all {
            self.after = Time::now();
            if matches!(self.workload, Workload::Idle { .. }) {
                self.print_memory("warm");
            }
        }
    }

    /// Counts a closed connection. If this was the last connection, prints the report and exits the process.
    pub fn closed(&mut self) {
        self.closed += 1;
        match self.workload {
            Workload::Hello { connections } if self.closed < connections => {}
            Workload::Hello { .. } => {
                self.after = Time::now();
                self.report()
            }
            _ if self.echoed < self.workload.bytes() => {
                fail("a connection has ended before its bytes were sent back")
            }
            _ if self.closed == self.accepted => self.report(),
            _ => {}
        }
    }

    fn print_memory(&self, when: &str) {
        let Memory { rss, heap } = memory();
        let (rss, heap) = (rss - self.memory.rss, heap - self.memory.heap);
        let reserved = self.reserved;
        print_line(&format!("memory when={when} rss={rss} heap={heap} reserved={reserved}"));
    }

    fn report(&self) -> ! {
        let (user, system) =
            (self.after.user - self.before.user, self.after.system - self.before.system);
        let Self { closed, echoed, .. } = self;
        print_line(&format!(
            "usage user={user} system={system} connections={closed} bytes={echoed}"
        ));
        process::exit(0)
    }
}

/// Opens a non-blocking listener on a free port of 127.0.0.1.
pub fn listener() -> OwnedFd {
    let open = || -> rustix::io::Result<OwnedFd> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let listener = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        // Accepted sockets inherit the option, so the server needs no system call for each connection.
        sockopt::set_tcp_nodelay(&listener, true)?;
        bind(&listener, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        listen(&listener, BACKLOG)?;
        Ok(listener)
    };
    open().unwrap_or_else(|error| fail(format!("cannot listen on 127.0.0.1: {error}")))
}

/// Prints an error, and exits with status 1. Then the run has no figure.
pub fn fail(why: impl AsRef<str>) -> ! {
    eprintln!("error: {}", why.as_ref());
    process::exit(1)
}

/// Returns the processor time that this process has used.
pub fn processor_time() -> Duration {
    let Time { user, system } = Time::now();
    Duration::from_micros((user + system).unsigned_abs())
}

fn memory() -> Memory {
    Memory::now().unwrap_or_else(|error| fail(error.to_string()))
}

fn print_line(line: &str) {
    let mut out = io::stdout().lock();
    if let Err(error) = writeln!(out, "{line}").and_then(|()| out.flush()) {
        fail(format!("cannot print: {error}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Workload, String> {
        Workload::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn a_command_line_names_a_workload_and_its_counts() {
        assert_eq!(parse("hello 5"), Ok(Workload::Hello { connections: 5 }));
        assert_eq!(parse("echo 64 640"), Ok(Workload::Echo { warm: 64, bytes: 640 }));
        assert_eq!(parse("idle 3 192"), Ok(Workload::Idle { connections: 3, bytes: 192 }));
    }

    #[test]
    fn any_other_command_line_is_refused() {
        for line in ["", "hello", "hello 1 2", "echo 1", "serve 1"] {
            assert!(parse(line).unwrap_err().starts_with("usage: "), "{line}");
        }
        assert_eq!(parse("hello many"), Err("a count must be a number".to_owned()));
    }
}
