//! Why datagrams are refused, and why sockets fail.

use core::fmt;

use crate::error::Code;

/// Why a datagram, or another request, was not queued. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SendError {
    /// The output ring has no room for all of it now: it would block.
    /// [`Writable`](crate::UdpEvent::Writable) comes when there is room.
    Full,
    /// It is longer than the output ring or a datagram can hold, and never fits.
    TooLong {
        /// The most bytes that a datagram to this address can have.
        most: usize,
    },
    /// The socket is not connected.
    NotConnected,
    /// The address is none that a datagram can be sent to, or no group: port 0, or unspecified.
    AddressInvalid,
    /// The socket is closed, or could not be bound.
    Closed,
}

/// Why a UDP socket has failed, or a datagram was not sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum UdpError {
    /// Another socket has the address.
    #[default]
    InUse,
    /// The address is not one of ours.
    NotOurs,
    /// The address is of a family the stack does not have, or the group is none of a multicast.
    Invalid,
    /// The system does not allow it: a broadcast without `set_broadcast`, for example.
    Denied,
    /// The back end has no socket left, or the stack no place for another group.
    NoSocket,
    /// The peer has no socket at the port (an ICMP message; connected sockets on a host only).
    Refused,
    /// There is no route to the address: the link is down, we have no address, or nobody there answers.
    Unreachable,
    /// The stack cannot send a datagram of this length.
    TooLong,
    /// An operating system error that has no name here, by its number.
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

// In the order of the variants, so that each match is a subtraction.

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
            Self::NotOurs => "the address is not ours",
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
