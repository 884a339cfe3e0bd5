//! Whom a connection can reach: addresses that are no peer's.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use rustix::io::Errno;

/// Refuses an address that can be told to be nobody's by itself: the system would take an
/// unspecified one for its own, and calls others unreachable.
///
/// # Errors
/// `EADDRNOTAVAIL`.
pub(super) fn check(peer: SocketAddr) -> io::Result<()> {
    let address = peer.ip().to_canonical();
    let nobodys = address.is_unspecified()
        || address.is_multicast()
        || address == IpAddr::V4(Ipv4Addr::BROADCAST)
        || peer.port() == 0;
    if nobodys { Err(Errno::ADDRNOTAVAIL.into()) } else { Ok(()) }
}

/// Returns why a connect failed, told apart: the system calls the broadcast address of a network
/// that it is connected to unreachable. For datagrams it says what it is, before any is sent.
pub(super) fn explain(error: io::Error, peer: SocketAddr) -> io::Error {
    let broadcast = Errno::from_io_error(&error) == Some(Errno::NETUNREACH)
        && peer.ip().to_canonical().is_ipv4()
        && UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).is_ok_and(|socket| {
            let told = socket.connect((peer.ip().to_canonical(), peer.port()));
            told.is_err_and(|error| Errno::from_io_error(&error) == Some(Errno::ACCESS))
        });
    if broadcast { Errno::ADDRNOTAVAIL.into() } else { error }
}
