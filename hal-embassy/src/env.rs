//! What a look at a socket needs: the time, the network, and the configured limits.

use picoevent::Instant;

use crate::config::Config;
use crate::network::Network;
use crate::time::{after, micros, now};

pub(crate) struct Env<'n> {
    pub(crate) network: Network<'n>,
    pub(crate) limits: Limits,
    /// The time of the pass.
    pub(crate) now: Instant,
    /// When a connection that is closed in this pass is given up.
    pub(crate) until: Instant,
}

/// The limits of [`Config`] in microseconds.
pub(crate) struct Limits {
    linger: u64,
    pub(crate) fin_wait: u64,
    /// The silence after which a peer is given up; `u64::MAX` for never.
    pub(crate) timeout: u64,
}

impl Limits {
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            linger: micros(config.linger),
            fin_wait: micros(config.fin_wait),
            timeout: config.timeout.map_or(u64::MAX, micros),
        }
    }
}

impl Env<'_> {
    /// Reads the clock.
    pub(crate) fn update(&mut self) {
        self.now = now();
        self.until = after(self.now, self.limits.linger);
    }
}
