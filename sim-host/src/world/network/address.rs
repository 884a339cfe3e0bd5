//! The addresses on the cable.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The device's address, until a fault takes it away.
pub(crate) const DEVICE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
/// The address of the machine where clients and servers are.
pub(crate) const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
/// The device's address of IPv6, in simulations that have it.
pub(crate) const DEVICE_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2);
/// The address of IPv6 of the machine where clients and servers are.
pub(crate) const PEER_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);
/// An address that nobody has: whoever looks for it has believed a lie.
pub(crate) const NOBODY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 99);
/// The attacker's address.
pub(crate) const ATTACKER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 66);
