//! Names for [picoevent]: a DNS resolver over picoevent's UDP sockets, for boards and hosts.
//!
//! ```
//! use core::time::Duration;
//! use picoevent::{Conn, ConnEnd, ConnMut, Cx, PoolId, Protocol};
//! use picoevent_dns::{self as dns, HasResolver, ResolveError, Resolver, ResolverMut};
//!
//! struct App {
//!     /// Room for two look-ups at once and four names.
//!     names: Resolver<App, 2, 4>,
//! }
//!
//! impl HasResolver for App {
//!     fn resolver(&mut self) -> ResolverMut<'_, Self> {
//!         self.names.as_mut()
//!     }
//! }
//!
//! /// A connection to a host by its name.
//! struct Uplink;
//!
//! impl Protocol<App> for Uplink {
//!     fn readable(_: &mut App, conn: &mut ConnMut<App>) {
//!         conn.consume(usize::MAX);
//!     }
//!
//!     /// Looks up the name again, because its address may have changed.
//!     fn ended(app: &mut App, conn: &mut ConnMut<App>, _: ConnEnd) {
//!         let _ = dns::connect_again(app, conn, Duration::from_secs(5), "collector.example", 7000);
//!     }
//! }
//!
//! fn start(app: &mut App, cx: &mut Cx<App>, pool: PoolId) -> Result<Conn, ResolveError> {
//!     app.names.set_servers(&["192.0.2.53:53".parse().unwrap()]);
//!     dns::connect::<_, Uplink>(app, cx, "collector.example", 7000, pool)
//! }
//! # let _ = (start, App { names: Resolver::new() });
//! ```
//!
//! * The application owns the [`Resolver`]. Callbacks are plain functions without captured state, so they get the
//!   resolver through [`HasResolver`]. The resolver's capacities are part of its type, and the resolver does not
//!   allocate.
//! * Each look-up ends in exactly one callback. This applies also if the result is known at once: for a literal
//!   address, for a cached name, or without servers. A cancelled look-up ends without a callback.
//! * Queries are sent over UDP to one server after the other, in three rounds. A server has 1 second for its answer in
//!   the first round, 2 seconds in the second round, and 4 seconds in the third round. If a server fails, the next
//!   server is queried at once. If the last server of a round fails, the next round still begins after this time. A
//!   truncated answer is fetched over TCP, if a [pool](Resolver::set_tcp_pool) is set for this.
//! * An answer is accepted only from one of the servers. It must arrive at the random port from which the query was
//!   sent, and must repeat the query's random ID and the random case of the letters in the name (RFC 5452).
//! * Names that end in `.local` are resolved by multicast DNS (RFC 6762) and need no server. An
//!   answer from any host on the link is accepted.
//! * Answers are cached for their time to live, but at most one day. Negative answers are cached, too, at most one
//!   minute. When the cache is full, the entry that expires first is replaced.
//!
//! The storage must have one event for the resolver, and one UDP socket for each address family of the servers. Names
//! that end in `.local` use the IPv4 socket. Each socket needs memory for its [rings](Resolver::set_rings). If there is
//! one more UDP socket, the resolver can change its random port: it binds a new socket for each query that it sends
//! while it expects no other answer. The base needs a [seed](picoevent::EventBase::seed).
#![cfg_attr(not(test), no_std)]
#![doc(test(attr(deny(warnings))))]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "tests may panic"))]

mod addresses;
mod answer;
mod error;
mod literal;
pub mod mdns;
mod questions;
mod resolver;
mod system;
mod tcp;
mod udp;
mod verbs;
pub mod wire;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub use addresses::Addresses;
pub use error::{LookupError, ResolveError};
pub use resolver::{HasResolver, Lookup, OnLookup, Resolver, ResolverMut};
pub use system::{hosts, name_servers};
pub use verbs::{add_host, cancel, connect, connect_again, resolve};

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both families.
    const ALL: [Self; 2] = [Self::V4, Self::V6];

    /// Returns the loopback address.
    const fn loopback(self) -> IpAddr {
        match self {
            Self::V4 => IpAddr::V4(Ipv4Addr::LOCALHOST),
            Self::V6 => IpAddr::V6(Ipv6Addr::LOCALHOST),
        }
    }

    /// Returns the family of an address.
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}
