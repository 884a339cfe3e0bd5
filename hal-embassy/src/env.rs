//! What a look at a socket needs: the time, the network, and how long a peer may be silent.

use picoevent::Instant;

use crate::network::Network;

pub(crate) struct Env<'n> {
    pub(crate) network: Network<'n>,
    /// The silence after which a peer is given up, in microseconds; `u64::MAX` for never.
    pub(crate) timeout: u64,
    /// The base's time.
    pub(crate) now: Instant,
}
