//! The addresses on the cable.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The device's address, until a fault removes or changes it.
pub(crate) const DEVICE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
/// The address of the host on which the clients and servers run.
pub(crate) const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
/// The device's IPv6 address, in simulations with IPv6.
pub(crate) const DEVICE_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2);
/// The IPv6 address of the host on which the clients and servers run.
pub(crate) const PEER_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);
/// An address that no host has. Only forged answers contain this address. So a device that requests the hardware
/// address of this host has used a forged answer.
pub(crate) const UNUSED: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 99);
/// The attacker's address.
pub(crate) const ATTACKER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 66);
