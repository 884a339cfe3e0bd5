//! The actions that the base requests of the back end for UDP sockets.

/// An action that the back end carries out for a UDP socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UdpAction {
    /// Open the socket and bind it to its address ([`EventBase::udp_address_of`](crate::EventBase::udp_address_of)),
    /// and call [`EventBase::bound`](crate::EventBase::bound) or
    /// [`EventBase::bind_failed`](crate::EventBase::bind_failed).
    Bind,
    /// The input ring may have room now for the datagram that the base refused before. If the back end has kept this
    /// datagram, report it again ([`EventBase::received_from`](crate::EventBase::received_from)).
    ReceiveFrom,
    /// There are requests to carry out. [`EventBase::udp_request`](crate::EventBase::udp_request) returns the first.
    SendTo,
    /// Close the socket. The handle is stale from now on.
    Unbind,
}

impl UdpAction {
    /// Returns whether the action uses the address of the socket.
    pub(crate) fn is_bind(self) -> bool {
        self == Self::Bind
    }

    /// Returns the number of the action, for a recording.
    #[cfg(feature = "record")]
    pub(crate) const fn number(self) -> u8 {
        self as u8
    }

    /// Returns the action with this number.
    #[cfg(feature = "record")]
    pub(crate) const fn of_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Bind,
            1 => Self::ReceiveFrom,
            2 => Self::SendTo,
            3 => Self::Unbind,
            _ => return None,
        })
    }
}
