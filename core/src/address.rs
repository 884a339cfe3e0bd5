//! A socket address as slots keep it.

use core::net::{SocketAddr, SocketAddrV4, SocketAddrV6};

/// An address or none. `Option<SocketAddr>` would be the same, but its `None` is not made of zeros
/// and would put every static storage into flash.
#[derive(Clone, Copy)]
pub(crate) enum Address {
    None,
    V4(SocketAddrV4),
    V6(SocketAddrV6),
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V4(address) => Self::V4(address),
            SocketAddr::V6(address) => Self::V6(address),
        }
    }
}

impl From<Address> for Option<SocketAddr> {
    fn from(address: Address) -> Self {
        match address {
            Address::None => None,
            Address::V4(address) => Some(SocketAddr::V4(address)),
            Address::V6(address) => Some(SocketAddr::V6(address)),
        }
    }
}
