//! The data that is needed to examine a socket: the time, the network, and a part of the configuration.

use crate::connects::Outgoing;
use crate::network::Network;
use crate::time::Stamp;

pub(crate) struct Env<'n> {
    pub(crate) network: Network<'n>,
    /// How long a peer may send nothing before its connection is dropped, in units of [`Stamp`];
    /// [`NEVER`](crate::time::NEVER) for no limit.
    pub(crate) timeout: u32,
    pub(crate) outgoing: Outgoing,
    /// The base's time.
    pub(crate) now: Stamp,
}
