//! A client that sends and receives at the same time, as fast as possible.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::Result;
use mio::Interest;

use super::client::{Client, Selector};
use super::message::{BLOCK, RandomBlocks};
use super::{Deadline, Report};

/// The maximum number of bytes that are read at once.
const READ: usize = 256 * 1024;

/// One connection, which sends blocks of a mebibyte. The next block is sent when the previous block has come back.
pub struct Bulk {
    client: Client,
    selector: Selector,
    random_blocks: RandomBlocks,
    buffer: Vec<u8>,
    sent: u64,
}

impl Bulk {
    /// Connects to the server.
    pub fn connect(server: SocketAddr, deadline: Deadline) -> Result<Self> {
        let selector = Selector::new(server, deadline)?;
        let client = selector.connect(0, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self {
            client,
            selector,
            random_blocks: RandomBlocks::new(),
            buffer: vec![0; READ],
            sent: 0,
        })
    }

    /// Sends `blocks` blocks and reads them back.
    pub fn run(&mut self, blocks: u64) -> Result<Report> {
        Report::of(|report| {
            let mut ready = Vec::new();
            for done in 0..blocks {
                let begun = Instant::now();
                let end = self.client.received + BLOCK as u64;
                while self.client.received < end {
                    if !self.move_both(end)? {
                        self.selector.wait(&mut ready, done, blocks)?;
                    }
                }
                report.record(begun.elapsed());
            }
            Ok(())
        })
    }

    /// Closes the connection.
    pub fn reset(self) -> Result<()> {
        self.client.reset()
    }

    /// Writes once and reads once. Returns whether any byte was written or read.
    fn move_both(&mut self, end: u64) -> Result<bool> {
        let Self { client, random_blocks, buffer, sent, .. } = self;
        let mut moved = false;
        if *sent < end
            && let Some(amount) = client.write(random_blocks.rest_of_block(*sent))?
        {
            *sent += amount as u64;
            moved = true;
        }
        // Bytes that are not sent yet cannot come back.
        let wanted = |got| {
            let rest = random_blocks.rest_of_block(got);
            &rest[..rest.len().min((*sent - got) as usize)]
        };
        match client.read(buffer, wanted)? {
            Some(0) => client.ended_early(),
            read => Ok(moved || read.is_some()),
        }
    }
}
