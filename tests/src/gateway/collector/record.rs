//! The record of everything that a gateway has sent to its collector, and of the gateway's errors.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// The time between two heart-beats, minus the tolerance of the clocks.
const HEARTBEAT: Duration = Duration::from_millis(4_800);

/// The reports of a gateway.
#[derive(Debug, Clone)]
pub struct Record {
    /// The connections, in the order in which they were accepted.
    pub connections: Vec<Connection>,
    /// The samples by their numbers.
    pub samples: BTreeMap<u32, Sample>,
    /// The number of samples that were received again.
    pub again: u32,
    /// The number of samples that the gateway has skipped. The gateway must report these samples as lost.
    pub skipped: u32,
    /// The highest number that was confirmed.
    pub confirmed: Option<u32>,
    /// The time of the collector's last answer.
    pub answered: Option<Instant>,
    /// The time of the collector's previous check for input. If the collector finds input in the current check, the
    /// input has arrived after this time.
    pub(super) not_before: Instant,
    /// The gateway's errors.
    faults: Vec<String>,
}

/// A connection.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The time when the connection was accepted.
    pub began: Instant,
    /// A time before the gateway connected. This time gives an upper limit for the age of the connection.
    not_before: Instant,
    /// The time when the connection ended.
    pub ended: Option<Instant>,
    /// The number of the first sample on the connection.
    pub first: Option<u32>,
    /// The number of the last sample on the connection.
    pub last: Option<u32>,
    /// The count in the last heart-beat on the connection.
    pub beats: u32,
}

/// A sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The time when the sample was taken, in microseconds.
    pub micros: u64,
    /// The value of the sample.
    pub value: i32,
    /// Whether a press of the button caused the sample.
    pub forced: bool,
}

impl Record {
    pub(super) fn new() -> Self {
        Self {
            connections: Vec::new(),
            samples: BTreeMap::new(),
            again: 0,
            skipped: 0,
            confirmed: None,
            answered: None,
            not_before: Instant::now(),
            faults: Vec::new(),
        }
    }

    /// Returns whether a connection is open.
    pub fn is_up(&self) -> bool {
        self.connections.last().is_some_and(|connection| connection.ended.is_none())
    }

    /// Checks that the gateway has not violated the protocol.
    ///
    /// # Errors
    /// If the gateway has violated the protocol.
    pub fn check(&self) -> Result<()> {
        match self.faults.first() {
            Some(fault) => bail!("the uplink sent {fault}: {self}"),
            None => Ok(()),
        }
    }

    pub(super) fn accept(&mut self) -> usize {
        let (began, not_before) = (Instant::now(), self.not_before);
        let connection =
            Connection { began, not_before, ended: None, first: None, last: None, beats: 0 };
        self.connections.push(connection);
        self.connections.len() - 1
    }

    pub(super) fn end(&mut self, connection: usize) {
        self.connections[connection].ended = Some(Instant::now());
    }

    pub(super) fn confirm(&mut self, number: u32) {
        self.confirmed = self.confirmed.max(Some(number));
    }

    /// Handles a line. Returns the number of the sample in the line, if the line is a sample.
    pub(super) fn line(&mut self, connection: usize, line: &[u8]) -> Option<u32> {
        let number = self.read(connection, line);
        number.unwrap_or_else(|error| {
            self.faults.push(format!("\"{}\", {error:#}", line.escape_ascii()));
            None
        })
    }

    fn read(&mut self, number: usize, line: &[u8]) -> Result<Option<u32>> {
        let line = std::str::from_utf8(line)?;
        let mut words = line.split(' ');
        let mut word = |what: &str| words.next().with_context(|| format!("without {what}"));
        let kind = word("a first word")?;
        let connection = &mut self.connections[number];
        if kind == "H" {
            let count = word("its count")?.parse()?;
            ensure!(words.next().is_none(), "with something behind the count");
            ensure!(count == connection.beats + 1, "after heart-beat {}", connection.beats);
            // If a heart-beat is late, the next heart-beat still comes on time. So the time is measured from the start
            // of the connection.
            let after = connection.not_before.elapsed();
            let earliest = HEARTBEAT * connection.beats;
            ensure!(after >= earliest, "{after:?} after the connection began");
            connection.beats = count;
            return Ok(None);
        }
        ensure!(kind == "S", "which is neither a sample nor a heart-beat");
        let number: u32 = word("its number")?.parse()?;
        let (micros, value) = (word("its time")?.parse()?, word("its value")?.parse()?);
        let forced = match words.next() {
            None => false,
            Some("F") => true,
            Some(_) => bail!("with another mark than F"),
        };
        ensure!(words.next().is_none(), "with something behind its mark");

        let expected = match (connection.last, self.confirmed) {
            (Some(last), _) => Some(last + 1),
            (None, confirmed) => confirmed.map(|confirmed| confirmed + 1),
        };
        let is_later = connection.last.is_none_or(|last| number > last);
        ensure!(is_later, "after sample {:?}", connection.last);
        self.skipped += expected.map_or(0, |expected| number.saturating_sub(expected));
        connection.first = connection.first.or(Some(number));
        connection.last = Some(number);

        let sample = Sample { micros, value, forced };
        if let Some((before, earlier)) = self.samples.range(..number).next_back() {
            ensure!(earlier.micros <= micros, "earlier than sample {before}");
        }
        match self.samples.get(&number) {
            Some(known) => {
                self.again += 1;
                ensure!(*known == sample, "which was {known:?} before");
            }
            None => drop(self.samples.insert(number, sample)),
        }
        Ok(Some(number))
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ends = (self.samples.keys().next(), self.samples.keys().next_back());
        write!(
            f,
            "{} connections, {} samples from {:?} to {:?}, {} again, {} skipped, confirmed to {:?}; \
             the last connection: {:?}",
            self.connections.len(),
            self.samples.len(),
            ends.0,
            ends.1,
            self.again,
            self.skipped,
            self.confirmed,
            self.connections.last(),
        )
    }
}
