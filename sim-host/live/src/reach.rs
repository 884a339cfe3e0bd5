//! Addresses that no peer can have.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use rustix::io::Errno;

/// Refuses an address that no peer can have. The system would use one of its own addresses instead of an unspecified
/// address. It reports other addresses of this kind as unreachable.
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

/// Returns the reason why a connect failed. The system reports the broadcast address of one of its networks as
/// unreachable; a UDP connect, which sends nothing, detects this case.
pub(super) fn explain(error: io::Error, peer: SocketAddr) -> io::Error {
    let broadcast = Errno::from_io_error(&error) == Some(Errno::NETUNREACH)
        && peer.ip().to_canonical().is_ipv4()
        && UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).is_ok_and(|socket| {
            let connected = socket.connect((peer.ip().to_canonical(), peer.port()));
            connected.is_err_and(|error| Errno::from_io_error(&error) == Some(Errno::ACCESS))
        });
    if broadcast { Errno::ADDRNOTAVAIL.into() } else { error }
}
