//! Addresses of `core::net` as the stack wants them.

use core::net::{IpAddr, SocketAddr};

use embassy_net::{IpEndpoint, IpListenEndpoint};

/// The address as one to connect to; `None` for a family the stack does not have.
pub(crate) fn endpoint(address: SocketAddr) -> Option<IpEndpoint> {
    match address {
        SocketAddr::V4(address) => Some(address.into()),
        SocketAddr::V6(address) => v6(address),
    }
}

/// The address as one to listen on, where an unspecified one means all of ours; `None` for port 0,
/// since the stack chooses none, and for a family the stack does not have.
pub(crate) fn listen_endpoint(address: SocketAddr) -> Option<IpListenEndpoint> {
    let endpoint = endpoint(address).filter(|endpoint| endpoint.port != 0)?;
    Some(match address.ip().is_unspecified() {
        true => endpoint.port.into(),
        false => endpoint.into(),
    })
}

/// Whether the address names one host and one port.
pub(crate) fn is_unicast(address: SocketAddr) -> bool {
    let broadcast = matches!(address.ip(), IpAddr::V4(address) if address.is_broadcast());
    let ip = address.ip();
    address.port() != 0 && !ip.is_unspecified() && !ip.is_multicast() && !broadcast
}

/// Whether a packet could be meant for both.
pub(crate) fn overlap(one: IpListenEndpoint, other: IpListenEndpoint) -> bool {
    let addresses = one.addr.is_none() || other.addr.is_none() || one.addr == other.addr;
    one.port == other.port && addresses
}

#[cfg(feature = "proto-ipv6")]
fn v6(address: core::net::SocketAddrV6) -> Option<IpEndpoint> {
    Some(address.into())
}

#[cfg(not(feature = "proto-ipv6"))]
fn v6(_: core::net::SocketAddrV6) -> Option<IpEndpoint> {
    None
}
