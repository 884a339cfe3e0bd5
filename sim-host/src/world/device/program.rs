//! The program of a device: an application, started as its board's `main` would start it.

use std::net::SocketAddr;

use picoevent::{Cx, Pool, SetupError};
use picoevent_embassy::Config;

use crate::world::device::interrupt::Handler;
use crate::world::device::probe::Invariant;
use crate::world::peers::server::AnyServer;

pub(crate) type Start<A> =
    dyn Fn(&mut A, &mut Cx<'_, A>, SocketAddr, Pool) -> Result<(), SetupError> + Send + Sync;

/// An application and how to start it.
pub(crate) struct Program<A> {
    /// The port on which the application listens.
    pub(crate) port: u16,
    pub(crate) config: Config,
    pub(crate) make: Box<dyn Fn() -> A + Send + Sync>,
    pub(crate) start: Box<Start<A>>,
    pub(crate) invariants: Vec<Box<Invariant<A>>>,
    /// The interrupt handlers of the test case. They run at random times.
    pub(crate) handlers: Vec<Handler>,
    /// The device has an IPv6 address in addition to its IPv4 address.
    pub(crate) has_ipv6: bool,
    /// The servers that the application may connect to.
    pub(crate) servers: Vec<AnyServer<A>>,
}
