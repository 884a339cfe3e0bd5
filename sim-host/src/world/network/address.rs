//! The addresses on the cable.

use std::net::Ipv4Addr;

/// The device's address, until a fault takes it away.
pub(crate) const DEVICE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
/// The address of the machine where the clients are.
pub(crate) const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
/// The attacker's address.
pub(crate) const ATTACKER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 66);
