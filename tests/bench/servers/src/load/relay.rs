//! Both peers of a proxy: clients that connect to it, and the server that it connects to. On each connection, client
//! and server send at the same time, as fast as possible.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::Result;
use mio::Interest;
use mio::net::TcpListener;

use super::client::{Client, Selector};
use super::message::{BLOCK, Noise};
use super::{Deadline, Report};

/// Bytes read at once.
const READ: usize = 256 * 1024;

/// Connections through a proxy.
pub struct Relay {
    /// A client, then its partner at the server, then the next client.
    ends: Vec<End>,
    selector: Selector,
    noise: Noise,
    buffer: Vec<u8>,
}

/// One endpoint of a connection.
struct End {
    client: Client,
    sent: u64,
    /// The offset in the noise where its data begins.
    from: u64,
    /// Whether it may be able to send or receive.
    active: bool,
}

/// The blocks of one operation that every endpoint sends and receives.
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
        let mut ends = Vec::new();
        let end = |client, number: usize| {
            // Each endpoint has a different offset, so that bytes of a wrong connection are detected.
            let from = (number * BLOCK) as u64;
            End { client, sent: 0, from, active: false }
        };
        for _ in 0..connections {
            let both = Interest::READABLE | Interest::WRITABLE;
            let client = selector.connect(ends.len(), both)?;
            ends.push(end(client, ends.len()));
            // Connections are opened one after another, so that it is known which two endpoints belong together.
            let partner = selector.accept(&server, ends.len())?;
            ends.push(end(partner, ends.len()));
        }
        Ok(Self { ends, selector, noise: Noise::new(), buffer: vec![0; READ] })
    }

    /// Sends `blocks` blocks from each endpoint to its partner.
    pub fn run(&mut self, blocks: u64) -> Result<Report> {
        Report::of(|report| {
            let begun = Instant::now();
            let before = self.ends.first().map_or(0, |end| end.client.got);
            let goal = Goal { end: before + blocks * BLOCK as u64 };
            let all = self.ends.len();
            // All that was sent before has arrived, so every endpoint can send.
            self.ends.iter_mut().for_each(|end| end.active = true);
            let (mut ready, mut done) = (Vec::new(), 0);
            while done < all {
                match self.ends.iter().any(|end| end.active) {
                    true => self.selector.look(&mut ready)?,
                    false => self.selector.wait(&mut ready, done as u64, all as u64)?,
                }
                ready.iter().for_each(|&end| self.ends[end].active = true);
                for end in 0..all {
                    if self.ends[end].active && self.step(end, goal)? {
                        done += 1;
                    }
                }
            }
            report.record(begun.elapsed());
            Ok(())
        })
    }

    /// Closes all connections.
    pub fn hang_up(self) -> Result<()> {
        self.ends.into_iter().try_for_each(|end| end.client.hang_up())
    }

    /// Writes once and reads once. Returns whether this endpoint has received its last byte in this step.
    fn step(&mut self, place: usize, Goal { end }: Goal) -> Result<bool> {
        // The partner of an endpoint with an even index has the next index.
        let partner_from = self.ends[place ^ 1].from;
        let Self { ends, noise, buffer, .. } = self;
        let End { client, sent, from, active } = &mut ends[place];
        let before = client.got;
        let mut moved = false;
        if *sent < end
            && let Some(amount) = client.write(limited(noise.rest(*from + *sent), end - *sent))?
        {
            *sent += amount as u64;
            moved = true;
        }
        let wanted = |got: u64| limited(noise.rest(partner_from + got), end - got);
        match client.read(buffer, wanted)? {
            Some(0) => return client.lost(),
            Some(_) => moved = true,
            None => {}
        }
        *active = moved;
        Ok(before < end && client.got == end)
    }
}

fn limited(bytes: &[u8], most: u64) -> &[u8] {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    &bytes[..bytes.len().min(most)]
}
