//! A client that sends and receives at once, as fast as both go.

use std::net::SocketAddr;
use std::time::Instant;

use super::client::Client;
use super::message::{BLOCK, Noise};
use super::selector::Selector;
use super::{Deadline, Report, Wrong};

/// Bytes read at once.
const READ: usize = 256 * 1024;

/// One connection, which sends blocks of a mebibyte: the next when the last has come back.
pub struct Bulk {
    client: Client,
    selector: Selector,
    noise: Noise,
    buffer: Vec<u8>,
    sent: u64,
    got: u64,
}

impl Bulk {
    /// Connects.
    ///
    /// # Errors
    /// [`Wrong`], when that cannot be.
    pub fn connect(server: SocketAddr, deadline: Deadline) -> Result<Self, Wrong> {
        let (client, selector) = (Client::connect(server, 0)?, Selector::new(deadline)?);
        client.set_nodelay()?;
        selector.add(&client, 0, true)?;
        let (noise, buffer) = (Noise::new(), vec![0; READ]);
        Ok(Self { client, selector, noise, buffer, sent: 0, got: 0 })
    }

    /// Sends so many blocks and reads them back.
    ///
    /// # Errors
    /// [`Wrong`], when a byte did not come back as it was sent.
    pub fn run(&mut self, blocks: u64) -> Result<Report, Wrong> {
        let mut report = Report::default();
        let start = Instant::now();
        let mut ready = Vec::new();
        for done in 0..blocks {
            let begun = Instant::now();
            let end = self.got + BLOCK as u64;
            while self.got < end {
                if !self.move_both(end)? {
                    self.selector.wait(&mut ready, (done, blocks))?;
                }
            }
            report.record(begun.elapsed());
        }
        report.wall = start.elapsed();
        Ok(report)
    }

    /// Closes the connection.
    ///
    /// # Errors
    /// [`Wrong::System`], when it cannot be reset.
    pub fn hang_up(self) -> Result<(), Wrong> {
        self.client.hang_up()
    }

    /// Writes once and reads once; whether anything moved.
    fn move_both(&mut self, end: u64) -> Result<bool, Wrong> {
        let mut moved = false;
        if self.sent < end
            && let Some(amount) = self.client.write(self.noise.rest(self.sent))?
        {
            self.sent += amount as u64;
            moved = true;
        }
        if let Some(amount) = self.client.read(&mut self.buffer)? {
            if amount == 0 {
                return Err(Wrong::Lost { connection: 0, error: None });
            }
            self.check(amount)?;
            moved = true;
        }
        Ok(moved)
    }

    fn check(&mut self, amount: usize) -> Result<(), Wrong> {
        if self.got + amount as u64 > self.sent {
            return Err(Wrong::TooMuch { connection: 0 });
        }
        let mut came = &self.buffer[..amount];
        while !came.is_empty() {
            let rest = self.noise.rest(self.got);
            let (now, later) = came.split_at(came.len().min(rest.len()));
            if now != &rest[..now.len()] {
                let at = now.iter().zip(rest).position(|(a, b)| a != b).unwrap_or(0);
                return Err(Wrong::Byte { connection: 0, at: self.got + at as u64 });
            }
            self.got += now.len() as u64;
            came = later;
        }
        Ok(())
    }
}
