//! Clients that send a small message, wait until the message comes back, and send the next message.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::Result;
use mio::Interest;

use super::client::{Client, Selector};
use super::message::{MESSAGE, message};
use super::{Deadline, Report};

/// The maximum number of connects in progress. It is less than any listener's backlog.
const CONNECTING: usize = 256;

/// Open connections.
pub struct Clients {
    conns: Vec<EchoConn>,
    selector: Selector,
}

struct EchoConn {
    client: Client,
    connection: usize,
    sequence: u64,
    sent: Instant,
    /// The message that was sent last.
    message: [u8; MESSAGE],
}

impl Clients {
    /// Opens `count` connections.
    pub fn connect(server: SocketAddr, count: usize, deadline: Deadline) -> Result<Self> {
        let mut clients = Self { conns: Vec::new(), selector: Selector::new(server, deadline)? };
        let (mut open, mut ready) = (0, Vec::new());
        let mut is_open = vec![false; count];
        while open < count {
            while clients.conns.len() < count.min(open + CONNECTING) {
                let connection = clients.conns.len();
                let both = Interest::READABLE | Interest::WRITABLE;
                let client = clients.selector.connect(connection, both)?;
                let (sequence, sent, message) = (0, Instant::now(), [0; MESSAGE]);
                clients.conns.push(EchoConn { client, connection, sequence, sent, message });
            }
            clients.selector.wait(&mut ready, open as u64, count as u64)?;
            for &connection in &ready {
                // The selector also reports a connection that has failed or was ended. This read detects these cases.
                let client = &mut clients.conns[connection].client;
                if client.read(&mut [0], |_| &[])?.is_some() {
                    return client.ended_early();
                }
                open += usize::from(!std::mem::replace(&mut is_open[connection], true));
            }
        }
        Ok(clients)
    }

    /// Sends `messages` messages in all. Each message must come back. Each connection has at most one message in
    /// transit.
    pub fn exchange(&mut self, messages: u64) -> Result<Report> {
        Report::of(|report| {
            let (mut sent, mut done) = (0, 0);
            for conn in self.conns.iter_mut().take(messages.try_into()?) {
                conn.send(Instant::now())?;
                sent += 1;
            }
            let mut ready = Vec::new();
            while done < messages {
                self.selector.wait(&mut ready, done, messages)?;
                for &connection in &ready {
                    let conn = &mut self.conns[connection];
                    if !conn.is_answered()? {
                        continue;
                    }
                    let now = Instant::now();
                    report.record(now - conn.sent);
                    done += 1;
                    if sent < messages {
                        conn.send(now)?;
                        sent += 1;
                    }
                }
            }
            Ok(())
        })
    }

    /// Closes all connections.
    pub fn reset(self) -> Result<()> {
        self.conns.into_iter().try_for_each(|conn| conn.client.reset())
    }
}

impl EchoConn {
    fn send(&mut self, now: Instant) -> Result<()> {
        self.message = message(self.connection, self.sequence);
        (self.sequence, self.sent) = (self.sequence + 1, now);
        // One message always fits into a socket's buffer.
        match self.client.write(&self.message)? {
            Some(MESSAGE) => Ok(()),
            _ => self.client.ended_early(),
        }
    }

    /// Continues to read. Returns whether the whole message has come back.
    fn is_answered(&mut self) -> Result<bool> {
        // Before the first message is sent, and after the last message has come back, no bytes are expected.
        let end = self.sequence * MESSAGE as u64;
        let wanted = |got: u64| &self.message[MESSAGE - (end - got) as usize..];
        // The buffer has room for one byte more than a message, so that an excess byte is detected.
        let mut bytes = [0; MESSAGE + 1];
        let before = self.client.received;
        while let Some(amount) = self.client.read(&mut bytes, wanted)? {
            if amount == 0 {
                return self.client.ended_early();
            }
            if self.client.received == end {
                break;
            }
        }
        Ok(self.client.received == end && before < end)
    }
}
