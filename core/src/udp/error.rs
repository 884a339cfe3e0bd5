//! The errors of datagrams and of UDP sockets.

use core::fmt;

use crate::error::Code;

/// The reason why a datagram or another request was not queued. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SendError {
    /// The datagram or request does not fit into the output ring now. [`Writable`](crate::UdpEvent::Writable) is
    /// reported when there is room.
    Full,
    /// The datagram can never fit: it is longer than the output ring can hold, or longer than UDP permits.
    TooLong {
        /// The maximum length of a datagram from this socket to this address, in bytes.
        most: usize,
    },
    /// The socket is not connected.
    NotConnected,
    /// The address cannot be used. The address of a peer must have a port other than 0, and must not be unspecified.
    /// The address of a group must be a multicast address.
    AddressInvalid,
    /// The socket is closed, or could not be bound.
    Closed,
}

/// The reason why a UDP socket has failed, or a datagram was not sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum UdpError {
    /// Another socket uses the address.
    #[default]
    InUse,
    /// The device does not have this address.
    NotOurs,
    /// The stack does not support the address family, or the address is not a multicast group.
    Invalid,
    /// The system does not permit the operation, for example a broadcast without `set_broadcast`.
    Denied,
    /// The back end has no free socket, or the stack has no room for another multicast group.
    NoSocket,
    /// The peer has no socket at the port (an ICMP message). Reported only for connected sockets on a host.
    Refused,
    /// There is no route to the address: the link is down, the device has no address, or no other device answers at
    /// this address.
    Unreachable,
    /// The stack cannot send a datagram of this length.
    TooLong,
    /// Another error of the operating system, with its number.
    System(i32),
}

#[cfg(any(feature = "record", test))]
pub(crate) const UDP_ERRORS: [UdpError; 9] = [
    UdpError::InUse,
    UdpError::NotOurs,
    UdpError::Invalid,
    UdpError::Denied,
    UdpError::NoSocket,
    UdpError::Refused,
    UdpError::Unreachable,
    UdpError::TooLong,
    UdpError::System(0),
];

// The codes are in the order of the variants. So the compiler can replace the `match` of each conversion below by a
// subtraction.

impl From<UdpError> for Code {
    fn from(error: UdpError) -> Self {
        Self(match error {
            UdpError::InUse => -1,
            UdpError::NotOurs => -2,
            UdpError::Invalid => -3,
            UdpError::Denied => -4,
            UdpError::NoSocket => -5,
            UdpError::Refused => -6,
            UdpError::Unreachable => -7,
            UdpError::TooLong => -8,
            UdpError::System(number) => return Self::system(number),
        })
    }
}

impl From<Code> for UdpError {
    fn from(code: Code) -> Self {
        match code.0 {
            -1 => Self::InUse,
            -2 => Self::NotOurs,
            -3 => Self::Invalid,
            -4 => Self::Denied,
            -5 => Self::NoSocket,
            -6 => Self::Refused,
            -7 => Self::Unreachable,
            -8 => Self::TooLong,
            number => Self::System(number.into()),
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the output ring is full: send again when the socket is writable",
            Self::TooLong { most } => {
                return write!(f, "a datagram to this address has at most {most} bytes");
            }
            Self::NotConnected => "the socket is not connected",
            Self::AddressInvalid => "no datagram can be sent to this address",
            Self::Closed => "the socket is closed",
        })
    }
}

impl fmt::Display for UdpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InUse => "the address is in use",
            Self::NotOurs => "the address is not a local address",
            Self::Invalid => "the address cannot be used",
            Self::Denied => "permission denied",
            Self::NoSocket => "no socket left",
            Self::Refused => "the peer has no such port",
            Self::Unreachable => "no route to the address",
            Self::TooLong => "the datagram is too long",
            Self::System(number) => return write!(f, "operating system error {number}"),
        })
    }
}

impl core::error::Error for SendError {}
impl core::error::Error for UdpError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_comes_back_from_its_code() {
        for error in UDP_ERRORS.into_iter().chain([UdpError::System(101)]) {
            assert_eq!(UdpError::from(Code::from(error)), error);
        }
    }
}
