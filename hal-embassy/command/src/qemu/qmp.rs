//! QEMU's control socket: the part of the protocol QMP that this program needs.
//!
//! Each line is one JSON object, in both directions. Events that QEMU sends between answers are skipped.

use std::{
    fmt::Debug,
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};

/// The time limit for an answer. QEMU answers from its main loop, so an answer may take long on a very busy host.
const LIMIT: Duration = Duration::from_secs(60);

/// A connection to a running QEMU.
#[derive(Debug)]
pub struct Qmp {
    reader: BufReader<UnixStream>,
    writer: UnixStream,
}

impl Qmp {
    /// Negotiates with QEMU, which has connected to `socket`.
    ///
    /// # Errors
    /// If the peer does not greet and answer as QMP requires.
    pub fn new(socket: UnixStream) -> Result<Self> {
        socket.set_read_timeout(Some(LIMIT))?;
        let mut qmp = Self { reader: BufReader::new(socket.try_clone()?), writer: socket };
        let greeting = next_object(&mut qmp.reader)?;
        if greeting.get("QMP").is_none() {
            bail!("QEMU did not greet as QMP does, but with {greeting}");
        }
        qmp.execute("qmp_capabilities", json!({}))?;
        Ok(qmp)
    }

    /// Sends a command and returns QEMU's answer.
    ///
    /// # Errors
    /// If QEMU refuses the command, has ended, or does not answer.
    pub fn execute(&mut self, command: &str, arguments: Value) -> Result<Value> {
        let line = json!({ "execute": command, "arguments": arguments });
        writeln!(self.writer, "{line}")
            .with_context(|| format!("cannot send {command} to QEMU"))?;
        answer(&mut self.reader).with_context(|| format!("QEMU's answer to {command}"))
    }

    /// Unplugs the network cable of `device` (`n0`), or plugs it in.
    ///
    /// # Errors
    /// Like [`Qmp::execute`].
    pub fn set_link(&mut self, device: &str, link: Link) -> Result<()> {
        let up = link == Link::Up;
        self.execute("set_link", json!({ "name": device, "up": up })).map(drop)
    }

    /// Returns the host port that the user network forwards to the guest's `port`.
    ///
    /// # Errors
    /// The errors of [`Qmp::execute`], or an error if no host port is forwarded to the guest's `port`.
    pub fn forwarded_port(&mut self, port: u16) -> Result<u16> {
        self.forwarded("TCP", port)
    }

    /// Returns the host port like [`forwarded_port`](Self::forwarded_port), for UDP.
    ///
    /// # Errors
    /// Like [`forwarded_port`](Self::forwarded_port).
    pub fn forwarded_udp_port(&mut self, port: u16) -> Result<u16> {
        self.forwarded("UDP", port)
    }

    fn forwarded(&mut self, protocol: &str, port: u16) -> Result<u16> {
        // QMP in QEMU 7.2 has no command that returns the forwarded ports as JSON. So parse the text of a command for
        // humans.
        let arguments = json!({ "command-line": "info usernet" });
        let answer = self.execute("human-monitor-command", arguments)?;
        forwarded_port(answer.as_str().unwrap_or_default(), protocol, port)
            .ok_or_else(|| anyhow!("QEMU forwards no port to the guest's port {port}"))
    }
}

/// The state of a network cable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Plugged in.
    Up,
    /// Unplugged.
    Down,
}

/// Reads the answer to the last command.
fn answer(reader: &mut (impl BufRead + Debug)) -> Result<Value> {
    loop {
        let mut object = next_object(reader)?;
        if let Some(error) = object.get("error") {
            bail!("{}", error["desc"].as_str().unwrap_or("an error without a description"));
        }
        if object.get("return").is_some() {
            return Ok(object["return"].take());
        }
    }
}

fn next_object(reader: &mut impl BufRead) -> Result<Value> {
    // The limit of 1 MiB is far more than any answer of QEMU needs. Without a limit, a peer that is not QEMU could
    // fill the memory.
    let mut line = String::new();
    let count =
        reader.by_ref().take(1 << 20).read_line(&mut line).context("cannot read from QEMU")?;
    if count == 0 {
        bail!("QEMU closed its control socket");
    }
    serde_json::from_str(&line)
        .with_context(|| format!("QEMU sent a line that is not JSON: {:?}", line.trim()))
}

/// Finds the host port in the table that `info usernet` prints.
///
/// ```text
///   Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ
///   TCP[HOST_FORWARD]  12       127.0.0.1 40123       10.0.2.15  9995     0     0
/// ```
fn forwarded_port(table: &str, protocol: &str, guest_port: u16) -> Option<u16> {
    let state = format!("{protocol}[HOST_FORWARD]");
    table.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        words.next().filter(|word| *word == state)?;
        let (host, guest) = (words.nth(2)?, words.nth(1)?);
        if guest.parse() == Ok(guest_port) { host.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_between_a_command_and_its_answer_are_skipped() {
        let mut lines: &[u8] = b"{\"event\":\"NIC_RX\"}\r\n{\"return\":{\"a\":1}}\r\n";
        assert_eq!(answer(&mut lines).unwrap(), json!({ "a": 1 }));
        assert_eq!(answer(&mut lines).unwrap_err().to_string(), "QEMU closed its control socket");
    }

    #[test]
    fn an_error_answer_becomes_an_error_with_its_description() {
        let mut lines: &[u8] =
            b"{\"error\":{\"class\":\"X\",\"desc\":\"Device 'n1' not found\"}}\n";
        assert_eq!(answer(&mut lines).unwrap_err().to_string(), "Device 'n1' not found");
    }

    #[test]
    fn the_forwarded_port_is_read_from_the_table() {
        let table = "Hub -1 (n0):\r\n  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\r\n  UDP[HOST_FORWARD]   8       127.0.0.1 53535       10.0.2.15  9995     0     0\r\n  TCP[HOST_FORWARD]   8       127.0.0.1 43193       10.0.2.15  9995     0     0\r\n  TCP[ESTABLISHED]    9       127.0.0.1 33333       10.0.2.15     7     0     0\r\n";
        assert_eq!(forwarded_port(table, "TCP", 9995), Some(43193));
        assert_eq!(forwarded_port(table, "UDP", 9995), Some(53535));
        assert_eq!(forwarded_port(table, "TCP", 7), None);
        assert_eq!(forwarded_port("garbage", "TCP", 7), None);
    }
}
