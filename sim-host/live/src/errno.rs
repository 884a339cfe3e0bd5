//! Converts errors of the system to errors of the core.

use std::io;

use picoevent::{ConnError, ListenError, UdpError};
use rustix::io::Errno;

/// Returns the reason why a connection failed.
pub(super) fn conn(error: &io::Error) -> ConnError {
    match Errno::from_io_error(error) {
        Some(Errno::CONNREFUSED) => ConnError::Refused,
        Some(Errno::CONNRESET | Errno::CONNABORTED | Errno::PIPE) => ConnError::Reset,
        Some(Errno::TIMEDOUT) => ConnError::TimedOut,
        Some(Errno::HOSTUNREACH | Errno::NETUNREACH | Errno::NETDOWN) => ConnError::Unreachable,
        Some(Errno::ADDRNOTAVAIL | Errno::INVAL | Errno::AFNOSUPPORT) => ConnError::AddressInvalid,
        Some(Errno::ACCESS | Errno::PERM) => ConnError::Denied,
        _ if is_exhaustion(error) => ConnError::NoSocket,
        _ => ConnError::System(error.raw_os_error().unwrap_or_default()),
    }
}

/// Returns the reason why a listener cannot listen.
pub(super) fn listen(error: &io::Error) -> ListenError {
    match Errno::from_io_error(error) {
        Some(Errno::ADDRINUSE) => ListenError::InUse,
        Some(Errno::ADDRNOTAVAIL) => ListenError::NotOurs,
        Some(Errno::AFNOSUPPORT | Errno::INVAL) => ListenError::Invalid,
        Some(Errno::ACCESS | Errno::PERM) => ListenError::Denied,
        _ if is_exhaustion(error) => ListenError::NoSocket,
        _ => ListenError::System(error.raw_os_error().unwrap_or_default()),
    }
}

/// Returns the reason why a UDP socket has failed, or why a datagram was not sent.
pub(super) fn udp(error: &io::Error) -> UdpError {
    match Errno::from_io_error(error) {
        Some(Errno::ADDRINUSE) => UdpError::InUse,
        Some(Errno::ADDRNOTAVAIL) => UdpError::NotOurs,
        Some(Errno::AFNOSUPPORT | Errno::INVAL | Errno::NODEV) => UdpError::Invalid,
        Some(Errno::ACCESS | Errno::PERM) => UdpError::Denied,
        Some(Errno::CONNREFUSED) => UdpError::Refused,
        Some(Errno::HOSTUNREACH | Errno::NETUNREACH | Errno::NETDOWN | Errno::HOSTDOWN) => {
            UdpError::Unreachable
        }
        Some(Errno::MSGSIZE) => UdpError::TooLong,
        _ if is_exhaustion(error) => UdpError::NoSocket,
        _ => UdpError::System(error.raw_os_error().unwrap_or_default()),
    }
}

/// Returns whether an accept failed because of a single connection. In this case, the next accept may succeed
/// (accept(2), "Error handling").
pub(super) fn concerns_one_peer(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(
            Errno::INTR
                | Errno::CONNABORTED
                | Errno::PROTO
                | Errno::NOPROTOOPT
                | Errno::OPNOTSUPP
                | Errno::PERM
                | Errno::TIMEDOUT
                | Errno::HOSTUNREACH
                | Errno::HOSTDOWN
                | Errno::NETUNREACH
                | Errno::NETDOWN
        )
    )
}

/// Returns whether the error means that no descriptor is free, or that there is no memory for a new descriptor.
pub(super) fn is_exhaustion(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    matches!(errno, Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(errno: Errno) -> io::Error {
        errno.into()
    }

    #[test]
    fn system_errors_become_errors_of_the_core() {
        assert_eq!(conn(&error(Errno::CONNREFUSED)), ConnError::Refused);
        assert_eq!(conn(&error(Errno::PIPE)), ConnError::Reset);
        assert_eq!(conn(&error(Errno::MFILE)), ConnError::NoSocket);
        assert_eq!(conn(&error(Errno::ISDIR)), ConnError::System(Errno::ISDIR.raw_os_error()));
        assert_eq!(listen(&error(Errno::ADDRINUSE)), ListenError::InUse);
        assert_eq!(listen(&error(Errno::ADDRNOTAVAIL)), ListenError::NotOurs);
        assert_eq!(listen(&error(Errno::ACCESS)), ListenError::Denied);
        assert_eq!(listen(&error(Errno::NFILE)), ListenError::NoSocket);
        assert_eq!(udp(&error(Errno::MSGSIZE)), UdpError::TooLong);
        assert_eq!(udp(&error(Errno::NETUNREACH)), UdpError::Unreachable);
        assert_eq!(udp(&error(Errno::NOBUFS)), UdpError::NoSocket);
    }

    #[test]
    fn an_error_of_one_peer_does_not_concern_the_others() {
        assert!(concerns_one_peer(&error(Errno::CONNABORTED)));
        assert!(!concerns_one_peer(&error(Errno::MFILE)));
    }
}
