//! A sweep's progress line, on a terminal only.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::world::Tally;

/// The time between two updates.
const PERIOD: Duration = Duration::from_millis(250);

pub(super) struct Progress {
    is_seen: bool,
    shown: Option<Instant>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { is_seen: io::stderr().is_terminal(), shown: None }
    }

    pub(super) fn show(&mut self, tally: &Tally) {
        if !self.is_seen || self.shown.is_some_and(|shown| shown.elapsed() < PERIOD) {
            return;
        }
        self.shown = Some(Instant::now());
        let simulated = tally.simulated as f64 / 1e6;
        // The sweep continues even if its progress cannot be shown.
        let _ = write!(
            io::stderr(),
            "\r\x1b[K{} seeds, {} failed, {:.0} seeds/s, {simulated:.0} s simulated",
            tally.seeds,
            tally.failed,
            tally.rate()
        );
    }

    pub(super) fn end(&self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
