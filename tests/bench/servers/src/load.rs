//! The clients. They run in one thread, have many connections, and check every byte.
//!
//! If a client receives a wrong byte or does not finish in time, the run fails and there is no figure. All clients
//! close their connections with a reset, so no port stays in use after a run.
//!
//! | | does |
//! |---|---|
//! | [`hello`] | connects, reads the greeting up to the end of the stream, and repeats |
//! | [`echo`] | sends 64 bytes on each connection, waits for them, and repeats |
//! | [`bulk`] | sends a mebibyte, reads it back at the same time, and repeats |
//! | [`relay`] | acts as the clients and as the server of a proxy, which send to each other at the same time |

use std::time::{Duration, Instant};

use anyhow::Result;
use hdrhistogram::Histogram;

pub mod bulk;
mod client;
pub mod echo;
pub mod hello;
mod message;
pub mod relay;

pub use message::MESSAGE;

/// The time by which a run must be over.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    limit: Duration,
    at: Instant,
}

impl Deadline {
    /// Returns the deadline that is `limit` from now.
    pub fn after(limit: Duration) -> Self {
        Self { limit, at: Instant::now() + limit }
    }
}

/// The longest duration in the histogram. Every operation is shorter, because each run has a deadline.
const LONGEST: Duration = Duration::from_secs(3_600);

/// The results of a run.
#[derive(Debug)]
pub struct Report {
    /// The time from the start of the first measured operation to the end of the last operation.
    pub wall: Duration,
    /// The duration of each operation in nanoseconds, with a precision of 1 %.
    pub latency: Histogram<u64>,
}

impl Report {
    /// Runs `work`, and measures how long it takes. `work` records the durations of operations in the report.
    fn of(work: impl FnOnce(&mut Self) -> Result<()>) -> Result<Self> {
        let start = Instant::now();
        let latency = Histogram::new_with_max(LONGEST.as_nanos() as u64, 2)?;
        let mut report = Self { wall: Duration::ZERO, latency };
        work(&mut report)?;
        report.wall = start.elapsed();
        Ok(report)
    }

    fn record(&mut self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.latency.saturating_record(nanos);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_at_least_what_was_recorded_and_not_far_above() {
        let mut report = Report::of(|_| Ok(())).unwrap();
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
