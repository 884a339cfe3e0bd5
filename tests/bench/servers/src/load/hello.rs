//! Clients that want to be greeted.

use std::net::SocketAddr;
use std::time::Instant;

use super::client::Client;
use super::selector::Selector;
use super::{Deadline, Report, Wrong};
use crate::agreement::GREETING;

/// What the clients do.
#[derive(Debug, Clone, Copy)]
pub struct Hello {
    /// Connections in all.
    pub connections: u64,
    /// Of them open at once.
    pub concurrency: usize,
}

struct Visit {
    client: Client,
    begun: Instant,
    got: usize,
}

impl Hello {
    /// Lets every client be greeted.
    ///
    /// # Errors
    /// [`Wrong`], when one was not.
    pub fn run(self, server: SocketAddr, deadline: Deadline) -> Result<Report, Wrong> {
        let mut selector = Selector::new(deadline)?;
        let mut report = Report::default();
        let start = Instant::now();
        let at_once = self.concurrency.min(usize::try_from(self.connections).unwrap_or(usize::MAX));
        let mut visits = Vec::with_capacity(at_once);
        for place in 0..at_once {
            visits.push(Some(Visit::begin(server, place, &selector)?));
        }
        let (mut begun, mut done) = (at_once as u64, 0);
        let mut ready = Vec::new();
        while done < self.connections {
            selector.wait(&mut ready, (done, self.connections))?;
            for &place in &ready {
                let Some(visit) = &mut visits[place] else { continue };
                if !visit.is_over(place)? {
                    continue;
                }
                if let Some(visit) = visits[place].take() {
                    visit.client.hang_up()?;
                    report.record(visit.begun.elapsed());
                }
                done += 1;
                if begun < self.connections {
                    visits[place] = Some(Visit::begin(server, place, &selector)?);
                    begun += 1;
                }
            }
        }
        report.wall = start.elapsed();
        Ok(report)
    }
}

impl Visit {
    fn begin(server: SocketAddr, place: usize, selector: &Selector) -> Result<Self, Wrong> {
        let begun = Instant::now();
        let client = Client::connect(server, place)?;
        selector.add(&client, place, false)?;
        Ok(Self { client, begun, got: 0 })
    }

    /// Reads on; whether the whole greeting and the end of the stream have come.
    fn is_over(&mut self, connection: usize) -> Result<bool, Wrong> {
        let mut bytes = [0; 64];
        loop {
            match self.client.read(&mut bytes)? {
                None => return Ok(false),
                Some(0) if self.got == GREETING.len() => return Ok(true),
                Some(0) => return Err(Wrong::Lost { connection, error: None }),
                Some(amount) => {
                    let wanted = &GREETING[self.got..];
                    if amount > wanted.len() {
                        return Err(Wrong::TooMuch { connection });
                    }
                    let differs = bytes[..amount].iter().zip(wanted).position(|(a, b)| a != b);
                    if let Some(at) = differs {
                        let at = (self.got + at) as u64;
                        return Err(Wrong::Byte { connection, at });
                    }
                    self.got += amount;
                }
            }
        }
    }
}
