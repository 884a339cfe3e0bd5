//! Clients that connect and wait for the greeting.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::Result;
use mio::Interest;

use super::client::{Client, Selector};
use super::{Deadline, Report};
use crate::harness::GREETING;

/// The settings of the workload.
#[derive(Debug, Clone, Copy)]
pub struct Hello {
    /// The total number of connections.
    pub connections: u64,
    /// The maximum number of connections that are open at once.
    pub concurrency: usize,
}

struct HelloConn {
    client: Client,
    begun: Instant,
}

impl Hello {
    /// Runs the workload.
    pub fn run(self, server: SocketAddr, deadline: Deadline) -> Result<Report> {
        Report::of(|report| {
            let mut selector = Selector::new(server, deadline)?;
            let at_once = self.concurrency.min(self.connections.try_into()?);
            let begin = |index| HelloConn::begin(&selector, index);
            let mut conns = (0..at_once).map(begin).collect::<Result<Vec<_>>>()?;
            let (mut begun, mut done) = (at_once as u64, 0);
            let mut ready = Vec::new();
            while done < self.connections {
                selector.wait(&mut ready, done, self.connections)?;
                for &index in &ready {
                    let Some(conn) = &mut conns[index] else { continue };
                    if !conn.is_over()? {
                        continue;
                    }
                    if let Some(conn) = conns[index].take() {
                        conn.client.reset()?;
                        report.record(conn.begun.elapsed());
                    }
                    done += 1;
                    if begun < self.connections {
                        conns[index] = HelloConn::begin(&selector, index)?;
                        begun += 1;
                    }
                }
            }
            Ok(())
        })
    }
}

impl HelloConn {
    fn begin(selector: &Selector, index: usize) -> Result<Option<Self>> {
        let begun = Instant::now();
        Ok(Some(Self { client: selector.connect(index, Interest::READABLE)?, begun }))
    }

    /// Continues to read. Returns whether the greeting and the end of the stream have been
    /// received.
    fn is_over(&mut self) -> Result<bool> {
        let mut bytes = [0; 64];
        loop {
            match self.client.read(&mut bytes, |got| &GREETING[got as usize..])? {
                None => return Ok(false),
                Some(0) if self.client.received == GREETING.len() as u64 => return Ok(true),
                Some(0) => return self.client.ended_early(),
                Some(_) => {}
            }
        }
    }
}
