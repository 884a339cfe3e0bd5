//! Clients that connect and wait for the greeting.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::Result;
use mio::Interest;

use super::client::{Client, Selector};
use super::{Deadline, Report};
use crate::agreement::GREETING;

/// The settings of the workload.
#[derive(Debug, Clone, Copy)]
pub struct Hello {
    /// Connections in all.
    pub connections: u64,
    /// Connections open at once.
    pub concurrency: usize,
}

struct Visit {
    client: Client,
    begun: Instant,
}

impl Hello {
    /// Runs the workload.
    pub fn run(self, server: SocketAddr, deadline: Deadline) -> Result<Report> {
        Report::of(|report| {
            let mut selector = Selector::new(server, deadline)?;
            let at_once = self.concurrency.min(self.connections.try_into()?);
            let begin = |place| Visit::begin(&selector, place);
            let mut visits = (0..at_once).map(begin).collect::<Result<Vec<_>>>()?;
            let (mut begun, mut done) = (at_once as u64, 0);
            let mut ready = Vec::new();
            while done < self.connections {
                selector.wait(&mut ready, done, self.connections)?;
                for &place in &ready {
                    let Some(visit) = &mut visits[place] else { continue };
                    if !visit.is_over()? {
                        continue;
                    }
                    if let Some(visit) = visits[place].take() {
                        visit.client.hang_up()?;
                        report.record(visit.begun.elapsed());
                    }
                    done += 1;
                    if begun < self.connections {
                        visits[place] = Visit::begin(&selector, place)?;
                        begun += 1;
                    }
                }
            }
            Ok(())
        })
    }
}

impl Visit {
    fn begin(selector: &Selector, place: usize) -> Result<Option<Self>> {
        let begun = Instant::now();
        Ok(Some(Self { client: selector.connect(place, Interest::READABLE)?, begun }))
    }

    /// Continues to read. Returns whether the greeting and the end of the stream have been
    /// received.
    fn is_over(&mut self) -> Result<bool> {
        let mut bytes = [0; 64];
        loop {
            match self.client.read(&mut bytes, |got| &GREETING[got as usize..])? {
                None => return Ok(false),
                Some(0) if self.client.got == GREETING.len() as u64 => return Ok(true),
                Some(0) => return self.client.lost(),
                Some(_) => {}
            }
        }
    }
}
