//! The clients: one thread, many connections, every byte checked.
//!
//! A client that finds something wrong, or has not come to its end in time, is an error; there is no
//! figure then. All close with a reset, so that no address stays taken after a run.
//!
//! | | does |
//! |---|---|
//! | [`hello`] | connects, reads the greeting up to the end of the stream, and again |
//! | [`echo`] | sends 64 bytes on each connection and waits for them, and again |
//! | [`bulk`] | sends a mebibyte and reads it back at the same time, and again |

use std::error::Error;
use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

pub mod bulk;
mod client;
pub mod echo;
pub mod hello;
mod message;
mod selector;

pub use message::MESSAGE;

/// Why a run does not count.
#[derive(Debug)]
pub enum Wrong {
    /// The server sent something else than it should.
    Byte {
        /// On which connection, counted from 0 in the order they were made.
        connection: usize,
        /// Where in what it should have sent.
        at: u64,
    },
    /// The server sent more than it should.
    TooMuch {
        /// On which connection.
        connection: usize,
    },
    /// A connection has ended before it should.
    Lost {
        /// Which one.
        connection: usize,
        /// Why, if the system says.
        error: Option<io::Error>,
    },
    /// It takes too long.
    Late {
        /// What was allowed.
        limit: Duration,
        /// What was done by then, of what was to be done.
        done: u64,
        /// The same.
        wanted: u64,
    },
    /// The system does not do what a client needs.
    System(&'static str, io::Error),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Byte { connection, at } => {
                write!(f, "connection {connection} got a wrong byte at {at}")
            }
            Self::TooMuch { connection } => {
                write!(f, "connection {connection} got more than it should")
            }
            Self::Lost { connection, error: Some(error) } => {
                write!(f, "connection {connection} was lost: {error}")
            }
            Self::Lost { connection, error: None } => {
                write!(f, "connection {connection} was ended by the server before its time")
            }
            Self::Late { limit, done, wanted } => {
                write!(f, "{done} of {wanted} were done within {} s", limit.as_secs())
            }
            Self::System(what, error) => write!(f, "cannot {what}: {error}"),
        }
    }
}

impl Error for Wrong {}

/// By when a run has to be over.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    limit: Duration,
    at: Instant,
}

impl Deadline {
    /// So long from now.
    pub fn after(limit: Duration) -> Self {
        Self { limit, at: Instant::now() + limit }
    }

    const fn missed(self, done: u64, wanted: u64) -> Wrong {
        Wrong::Late { limit: self.limit, done, wanted }
    }
}

/// Longer than any operation, since runs are given a deadline.
const LONGEST: Duration = Duration::from_secs(3_600);

/// What a run took.
#[derive(Debug)]
pub struct Report {
    /// From the first operation that counts to the end of the last.
    pub wall: Duration,
    /// The nanoseconds of each operation, to 1 %.
    pub latency: Histogram<u64>,
}

impl Default for Report {
    fn default() -> Self {
        let latency = Histogram::new_with_max(LONGEST.as_nanos() as u64, 2);
        let latency = latency.expect("two digits of an hour can be counted");
        Self { wall: Duration::ZERO, latency }
    }
}

impl Report {
    fn record(&mut self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.latency.saturating_record(nanos);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_never_less_than_what_was_recorded_and_not_far_above() {
        let mut report = Report::default();
        for micros in 1..=1_000 {
            report.record(Duration::from_micros(micros));
        }
        assert_eq!(report.latency.len(), 1_000);
        for (share, exact) in [(0.5, 500_000), (0.99, 990_000), (1.0, 1_000_000)] {
            let found = report.latency.value_at_quantile(share);
            assert!(found >= exact && found - exact <= exact / 100, "{share}: {found}");
        }
        report.record(Duration::MAX);
        assert!(report.latency.max() >= LONGEST.as_nanos() as u64);
    }
}
