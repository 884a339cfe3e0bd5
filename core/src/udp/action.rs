//! What a back end does for UDP sockets.

/// Something for the back end to do for a UDP socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UdpAction {
    /// Open it at its address ([`EventBase::udp_address_of`](crate::EventBase::udp_address_of)), and call
    /// [`EventBase::bound`](crate::EventBase::bound) or
    /// [`EventBase::bind_failed`](crate::EventBase::bind_failed).
    Bind,
    /// There may be room for a datagram that found none before: feed it again
    /// ([`EventBase::received_from`](crate::EventBase::received_from)).
    ReceiveFrom,
    /// There are requests to carry out, of which
    /// [`EventBase::udp_request`](crate::EventBase::udp_request) returns the first.
    SendTo,
    /// Close it. The handle is stale from here on.
    Unbind,
}

impl UdpAction {
    /// Returns whether it is about the address of the socket.
    pub(crate) fn is_bind(self) -> bool {
        self == Self::Bind
    }

    /// Returns its number, for a recording.
    #[cfg(feature = "record")]
    pub(crate) const fn number(self) -> u8 {
        self as u8
    }

    /// Returns the one with this number.
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
