//! Both peers of a proxy: the clients that connect to the proxy, and the server that the proxy connects to. On each
//! connection, client and server send at the same time, as fast as possible.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::Result;
use mio::Interest;
use mio::net::TcpListener;

use super::client::{Client, Selector};
use super::message::{BLOCK, RandomBlocks};
use super::{Deadline, Report};

/// The maximum number of bytes that are read at once.
const READ: usize = 256 * 1024;

/// Connections through a proxy.
pub struct Relay {
    /// The endpoints of the connections. Each client is followed by its partner, which is the endpoint at the server.
    endpoints: Vec<Endpoint>,
    selector: Selector,
    random_blocks: RandomBlocks,
    buffer: Vec<u8>,
}

/// One endpoint of a connection.
struct Endpoint {
    client: Client,
    sent: u64,
    /// The position in the stream of random blocks at which the data of this endpoint begins.
    offset: u64,
    /// Whether the endpoint may be able to send or receive.
    active: bool,
}

/// The end of one operation. An operation sends blocks from every endpoint to its partner.
#[derive(Clone, Copy)]
struct Goal {
    /// The number of bytes that each endpoint must have sent, and must have received, since the connection began.
    end: u64,
}

impl Relay {
    /// Opens connections through `proxy`, which connects to `server`.
    pub fn connect(
        mut server: TcpListener,
        proxy: SocketAddr,
        connections: usize,
        deadline: Deadline,
    ) -> Result<Self> {
        let mut selector = Selector::new(proxy, deadline)?;
        selector.watch(&mut server)?;
        let mut endpoints = Vec::new();
        let endpoint = |client, number: usize| {
            // Each endpoint has a different offset, so that bytes of a wrong connection are detected.
            let offset = (number * BLOCK) as u64;
            Endpoint { client, sent: 0, offset, active: false }
        };
        for _ in 0..connections {
            let both = Interest::READABLE | Interest::WRITABLE;
            let client = selector.connect(endpoints.len(), both)?;
            endpoints.push(endpoint(client, endpoints.len()));
            // Connections are opened one after another. So the accepted connection belongs to the latest client.
            let partner = selector.accept(&server, endpoints.len())?;
            endpoints.push(endpoint(partner, endpoints.len()));
        }
        Ok(Self { endpoints, selector, random_blocks: RandomBlocks::new(), buffer: vec![0; READ] })
    }

    /// Sends `blocks` blocks from each endpoint to its partner.
    pub fn run(&mut self, blocks: u64) -> Result<Report> {
        Report::of(|report| {
            let begun = Instant::now();
            let before = self.endpoints.first().map_or(0, |endpoint| endpoint.client.received);
            let goal = Goal { end: before + blocks * BLOCK as u64 };
            let all = self.endpoints.len();
            // All earlier bytes have arrived, so every endpoint can send.
            self.endpoints.iter_mut().for_each(|endpoint| endpoint.active = true);
            let (mut ready, mut done) = (Vec::new(), 0);
            while done < all {
                match self.endpoints.iter().any(|endpoint| endpoint.active) {
                    true => self.selector.poll_now(&mut ready)?,
                    false => self.selector.wait(&mut ready, done as u64, all as u64)?,
                }
                ready.iter().for_each(|&index| self.endpoints[index].active = true);
                for index in 0..all {
                    if self.endpoints[index].active && self.step(index, goal)? {
                        done += 1;
                    }
                }
            }
            report.record(begun.elapsed());
            Ok(())
        })
    }

    /// Closes all connections.
    pub fn reset(self) -> Result<()> {
        self.endpoints.into_iter().try_for_each(|endpoint| endpoint.client.reset())
    }

    /// Writes once and reads once. Returns whether this endpoint has received its last byte in this step.
    fn step(&mut self, index: usize, Goal { end }: Goal) -> Result<bool> {
        // The partner of an endpoint with an even index has the next index.
        let partner_offset = self.endpoints[index ^ 1].offset;
        let Self { endpoints, random_blocks, buffer, .. } = self;
        let Endpoint { client, sent, offset, active } = &mut endpoints[index];
        let before = client.received;
        let mut moved = false;
        if *sent < end
            && let Some(amount) =
                client.write(limited(random_blocks.rest_of_block(*offset + *sent), end - *sent))?
        {
            *sent += amount as u64;
            moved = true;
        }
        let wanted =
            |got: u64| limited(random_blocks.rest_of_block(partner_offset + got), end - got);
        match client.read(buffer, wanted)? {
            Some(0) => return client.ended_early(),
            Some(_) => moved = true,
            None => {}
        }
        *active = moved;
        Ok(before < end && client.received == end)
    }
}

fn limited(bytes: &[u8], limit: u64) -> &[u8] {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    &bytes[..bytes.len().min(limit)]
}
