//! Clients that send a small message, wait for it to come back, and send the next.

use std::net::SocketAddr;
use std::time::Instant;

use super::client::Client;
use super::message::{MESSAGE, message};
use super::selector::Selector;
use super::{Deadline, Report, Wrong};

/// Connections that are being made at once at most: fewer than any listener's backlog.
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
    /// What is on its way, and how much of it has come back.
    message: [u8; MESSAGE],
    got: usize,
    waits: bool,
}

impl Clients {
    /// Connects so many.
    ///
    /// # Errors
    /// [`Wrong`], when one cannot be made.
    pub fn connect(server: SocketAddr, count: usize, deadline: Deadline) -> Result<Self, Wrong> {
        let mut clients = Self { talks: Vec::new(), selector: Selector::new(deadline)? };
        let (mut open, mut ready) = (0, Vec::new());
        let mut is_open = vec![false; count];
        while open < count {
            while clients.talks.len() < count.min(open + CONNECTING) {
                let connection = clients.talks.len();
                let client = Client::connect(server, connection)?;
                client.set_nodelay()?;
                clients.selector.add(&client, connection, true)?;
                clients.talks.push(Talk::new(client, connection));
            }
            clients.selector.wait(&mut ready, (open as u64, count as u64))?;
            for &connection in &ready {
                // A connection that failed has news, too.
                if clients.talks[connection].client.read(&mut [0])?.is_some() {
                    return Err(Wrong::Lost { connection, error: None });
                }
                open += usize::from(!std::mem::replace(&mut is_open[connection], true));
            }
        }
        Ok(clients)
    }

    /// Sends so many messages in all, each of which has to come back; on every connection one is
    /// on its way at any time.
    ///
    /// # Errors
    /// [`Wrong`], when one did not come back as it was sent.
    pub fn talk(&mut self, messages: u64) -> Result<Report, Wrong> {
        let mut report = Report::default();
        let start = Instant::now();
        let (mut sent, mut done) = (0, 0);
        for talk in self.talks.iter_mut().take(usize::try_from(messages).unwrap_or(usize::MAX)) {
            talk.send(Instant::now())?;
            sent += 1;
        }
        let mut ready = Vec::new();
        while done < messages {
            self.selector.wait(&mut ready, (done, messages))?;
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
        report.wall = start.elapsed();
        Ok(report)
    }

    /// Closes all.
    ///
    /// # Errors
    /// [`Wrong::System`], when one cannot be reset.
    pub fn hang_up(self) -> Result<(), Wrong> {
        self.talks.into_iter().try_for_each(|talk| talk.client.hang_up())
    }
}

impl Talk {
    fn new(client: Client, connection: usize) -> Self {
        Self {
            client,
            connection,
            sequence: 0,
            sent: Instant::now(),
            message: [0; MESSAGE],
            got: 0,
            waits: false,
        }
    }

    fn send(&mut self, now: Instant) -> Result<(), Wrong> {
        self.message = message(self.connection, self.sequence);
        (self.sequence, self.got, self.sent) = (self.sequence + 1, 0, now);
        self.waits = true;
        // One message always fits what a socket holds.
        match self.client.write(&self.message)? {
            Some(MESSAGE) => Ok(()),
            _ => Err(Wrong::Lost { connection: self.connection, error: None }),
        }
    }

    /// Reads on; whether the message has come back.
    fn is_answered(&mut self) -> Result<bool, Wrong> {
        let connection = self.connection;
        // A byte more than is wanted shows itself.
        let mut bytes = [0; MESSAGE + 1];
        loop {
            let amount = match self.client.read(&mut bytes)? {
                None => return Ok(false),
                Some(0) => return Err(Wrong::Lost { connection, error: None }),
                Some(amount) => amount,
            };
            let wanted = if self.waits { &self.message[self.got..] } else { &[] };
            if amount > wanted.len() {
                return Err(Wrong::TooMuch { connection });
            }
            if let Some(at) = bytes[..amount].iter().zip(wanted).position(|(a, b)| a != b) {
                let before = (self.sequence - 1) * MESSAGE as u64;
                return Err(Wrong::Byte { connection, at: before + (self.got + at) as u64 });
            }
            self.got += amount;
            if self.got == MESSAGE {
                self.waits = false;
                return Ok(true);
            }
        }
    }
}
