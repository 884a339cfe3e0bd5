//! Converts addresses of `core::net` to addresses of the stack.

use core::net::SocketAddr;

use embassy_net::{IpEndpoint, IpListenEndpoint};

/// Returns the address as an endpoint to connect to. Returns `None` if the address is not the address
/// of one host, if the port is 0, or if the stack does not have the address family.
pub(crate) fn peer_endpoint(address: SocketAddr) -> Option<IpEndpoint> {
    endpoint(address).filter(|endpoint| endpoint.port != 0 && endpoint.addr.is_unicast())
}

/// Returns the address as an endpoint to listen on. An unspecified address means all our addresses.
/// Returns `None` for port 0, since the stack does not choose a port, and for an address family
/// that the stack does not have.
pub(crate) fn listen_endpoint(address: SocketAddr) -> Option<IpListenEndpoint> {
    let endpoint = endpoint(address).filter(|endpoint| endpoint.port != 0)?;
    Some(match endpoint.addr.is_unspecified() {
        true => endpoint.port.into(),
        false => endpoint.into(),
    })
}

/// Returns the address as an endpoint to bind a UDP socket to. An unspecified address means all our
/// addresses. Returns `None` for an address family that the stack does not have.
#[cfg(feature = "udp")]
pub(crate) fn bind_endpoint(address: SocketAddr) -> Option<IpListenEndpoint> {
    let endpoint = endpoint(address)?;
    Some(match endpoint.addr.is_unspecified() {
        true => endpoint.port.into(),
        false => endpoint.into(),
    })
}

/// Returns the address as an endpoint to send datagrams to. Returns `None` for an address family
/// that the stack does not have.
#[cfg(feature = "udp")]
pub(crate) fn udp_endpoint(address: SocketAddr) -> Option<IpEndpoint> {
    endpoint(address)
}

/// Returns whether one packet can match both endpoints.
pub(crate) fn overlap(one: IpListenEndpoint, other: IpListenEndpoint) -> bool {
    let addresses = one.addr.is_none() || other.addr.is_none() || one.addr == other.addr;
    one.port == other.port && addresses
}

fn endpoint(address: SocketAddr) -> Option<IpEndpoint> {
    match address {
        SocketAddr::V4(address) => Some(address.into()),
        SocketAddr::V6(address) => v6(address),
    }
}

#[cfg(feature = "proto-ipv6")]
fn v6(address: core::net::SocketAddrV6) -> Option<IpEndpoint> {
    Some(address.into())
}

#[cfg(not(feature = "proto-ipv6"))]
fn v6(_: core::net::SocketAddrV6) -> Option<IpEndpoint> {
    None
}
