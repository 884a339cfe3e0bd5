//! Addresses that no peer can have.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use rustix::io::Errno;

/// Refuses an address that no peer can have. Without this check, a connect to an unspecified address would reach one of
/// the system's own addresses, and a connect to another of these addresses would fail with the reason "unreachable".
///
/// # Errors
/// `EADDRNOTAVAIL`.
pub(super) fn check(peer: SocketAddr) -> io::Result<()> {
    let address = peer.ip().to_canonical();
    let is_no_peer = address.is_unspecified()
        || address.is_multicast()
        || address == IpAddr::V4(Ipv4Addr::BROADCAST)
        || peer.port() == 0;
    if is_no_peer { Err(Errno::ADDRNOTAVAIL.into()) } else { Ok(()) }
}

/// Returns the reason why a connect failed. If the peer's address is the broadcast address of one of the system's
/// networks, the system reports the peer as unreachable. This function then returns `EADDRNOTAVAIL`. To recognize a
/// broadcast address, this function connects a UDP socket to the peer. This sends nothing, and fails with `EACCES` if
/// the address is a broadcast address.
pub(super) fn explain(error: io::Error, peer: SocketAddr) -> io::Error {
    let broadcast = Errno::from_io_error(&error) == Some(Errno::NETUNREACH)
        && peer.ip().to_canonical().is_ipv4()
        && UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).is_ok_and(|socket| {
            let connected = socket.connect((peer.ip().to_canonical(), peer.port()));
            connected.is_err_and(|error| Errno::from_io_error(&error) == Some(Errno::ACCESS))
        });
    if broadcast { Errno::ADDRNOTAVAIL.into() } else { error }
}
