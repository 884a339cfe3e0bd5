//! What a look at a socket needs: the time, the network, and a part of the configuration.

use crate::connects::Outgoing;
use crate::network::Network;
use crate::time::Stamp;

pub(crate) struct Env<'n> {
    pub(crate) network: Network<'n>,
    /// The silence after which a peer is given up.
    pub(crate) timeout: u32,
    pub(crate) outgoing: Outgoing,
    /// The base's time.
    pub(crate) now: Stamp,
}
