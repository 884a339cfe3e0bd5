//! Clients that send a small message, wait until it comes back, and send the next.

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
    talks: Vec<Talk>,
    selector: Selector,
}

struct Talk {
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
        let mut clients = Self { talks: Vec::new(), selector: Selector::new(server, deadline)? };
        let (mut open, mut ready) = (0, Vec::new());
        let mut is_open = vec![false; count];
        while open < count {
            while clients.talks.len() < count.min(open + CONNECTING) {
                let connection = clients.talks.len();
                let both = Interest::READABLE | Interest::WRITABLE;
                let client = clients.selector.connect(connection, both)?;
                let (sequence, sent, message) = (0, Instant::now(), [0; MESSAGE]);
                clients.talks.push(Talk { client, connection, sequence, sent, message });
            }
            clients.selector.wait(&mut ready, open as u64, count as u64)?;
            for &connection in &ready {
                // A connection that failed is reported, too.
                let client = &mut clients.talks[connection].client;
                if client.read(&mut [0], |_| &[])?.is_some() {
                    return client.lost();
                }
                open += usize::from(!std::mem::replace(&mut is_open[connection], true));
            }
        }
        Ok(clients)
    }

    /// Sends `messages` messages in all. Each must come back. Each connection has at most one message in transit.
    pub fn talk(&mut self, messages: u64) -> Result<Report> {
        Report::of(|report| {
            let (mut sent, mut done) = (0, 0);
            for talk in self.talks.iter_mut().take(messages.try_into()?) {
                talk.send(Instant::now())?;
                sent += 1;
            }
            let mut ready = Vec::new();
            while done < messages {
                self.selector.wait(&mut ready, done, messages)?;
                for &connection in &ready {
                    let talk = &mut self.talks[connection];
                    if !talk.is_answered()? {
                        continue;
                    }
                    let now = Instant::now();
                    report.record(now - talk.sent);
                    done += 1;
                    if sent < messages {
                        talk.send(now)?;
                        sent += 1;
                    }
                }
            }
            Ok(())
        })
    }

    /// Closes all connections.
    pub fn hang_up(self) -> Result<()> {
        self.talks.into_iter().try_for_each(|talk| talk.client.hang_up())
    }
}

impl Talk {
    fn send(&mut self, now: Instant) -> Result<()> {
        self.message = message(self.connection, self.sequence);
        (self.sequence, self.sent) = (self.sequence + 1, now);
        // One message always fits into a socket's buffer.
        match self.client.write(&self.message)? {
            Some(MESSAGE) => Ok(()),
            _ => self.client.lost(),
        }
    }

    /// Continues to read. Returns whether the whole message has come back.
    fn is_answered(&mut self) -> Result<bool> {
        // No bytes are expected before the first message and after the last.
        let end = self.sequence * MESSAGE as u64;
        let wanted = |got: u64| &self.message[MESSAGE - (end - got) as usize..];
        // The buffer has room for one byte more, so that an excess byte is detected.
        let mut bytes = [0; MESSAGE + 1];
        let before = self.client.got;
        while let Some(amount) = self.client.read(&mut bytes, wanted)? {
            if amount == 0 {
                return self.client.lost();
            }
            if self.client.got == end {
                break;
            }
        }
        Ok(self.client.got == end && before < end)
    }
}
