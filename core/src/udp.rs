//! Datagrams: UDP sockets as objects of the base, with a callback and a byte ring for each direction.
//!
//! ```text
//!            back end                                    application
//!   wire ──▶ received_from(…)  ──▶ input ring  ──▶ peek / receive_from / consume    Readable
//!   wire ◀── udp_request()     ◀── output ring ◀── send_to / send / connect / …     Writable
//!            bind_failed / udp_failed ───────────────────────────────────────────▶ Failed
//! ```
//!
//! * A datagram is a record in a ring: its bytes, its length and the peer's address ([`ring`]).
//! * `Readable` comes when a datagram has arrived. If the callback takes some datagrams but not all, it is called
//!   again in the next pass. If it takes none, it is called when the next datagram arrives.
//! * A datagram is queued whole or not at all. `Writable` comes when the last refused datagram fits.
//! * Connects, changes of multicast groups and the permission to broadcast are requests in the output
//!   ring, too. So they apply only to datagrams that are sent after them.
//! * A datagram longer than the input ring is truncated to the size of the ring, and marked. A datagram for which
//!   there is no room waits in the back end or the system. Dropped datagrams are counted.
//!
//! This is the feature `udp`: see docs/decisions/0050-datagrams-are-a-feature.md.

#[cfg(feature = "udp")]
mod action;
mod error;
#[cfg(feature = "udp")]
mod feed;
#[cfg(not(feature = "udp"))]
mod off;
#[cfg(feature = "udp")]
mod ring;
#[cfg(feature = "udp")]
mod slot;
#[cfg(feature = "udp")]
mod table;
#[cfg(feature = "udp")]
mod verbs;

#[cfg(feature = "udp")]
pub use action::UdpAction;
#[cfg(feature = "record")]
pub(crate) use error::UDP_ERRORS;
pub use error::{SendError, UdpError};
#[cfg(feature = "udp")]
pub use feed::UdpRequest;
#[cfg(all(feature = "record", feature = "udp"))]
pub(crate) use feed::play;
#[cfg(all(feature = "record", not(feature = "udp")))]
pub(crate) use off::play;
#[cfg(not(feature = "udp"))]
pub use off::{FiredUdp, UdpAction, UdpSlot};
#[cfg(not(feature = "udp"))]
pub(crate) use off::{UdpIndex, UdpTable};
#[cfg(feature = "udp")]
pub use slot::{FiredUdp, UdpSlot};
#[cfg(feature = "udp")]
pub(crate) use table::{UdpIndex, UdpTable};
#[cfg(feature = "udp")]
pub use verbs::{Datagram, Dropped, OnUdp, Received, UdpMut};

/// An event of a UDP socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum UdpEvent {
    /// There are datagrams to receive.
    Readable,
    /// There is room for the last refused datagram.
    Writable,
    /// The socket could not be bound, a datagram could not be sent, another request failed (for example to join a
    /// group), or a peer answered that its port is not in use. The socket stays usable, unless it could not be bound.
    /// If several errors happen before the callback runs, it gets the last one.
    Failed(UdpError),
}

/// The sizes of the rings of a UDP socket, in bytes.
///
/// In a ring, a datagram takes its length and at most [`HEAD`](Self::HEAD) more bytes, which must be contiguous.
///
/// ```
/// use picoevent::UdpRings;
///
/// /// Room for four datagrams of 48 bytes to receive, and for one to send.
/// const RINGS: UdpRings = UdpRings::new(UdpRings::holding(4, 48), UdpRings::holding(1, 48));
/// assert_eq!(RINGS.bytes(), 5 * (48 + UdpRings::HEAD));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UdpRings {
    pub(crate) input: usize,
    pub(crate) output: usize,
}

impl UdpRings {
    /// The maximum number of bytes that a datagram takes in a ring besides its own: 25 with an IPv6 address,
    /// 9 with an IPv4 address.
    pub const HEAD: usize = 25;

    /// The shortest ring: it holds one empty datagram.
    pub const LEAST: usize = Self::HEAD;

    /// Describes rings: `input` bytes for datagrams received and not consumed, `output` bytes for
    /// datagrams not sent. Each size is from [`LEAST`](Self::LEAST) to
    /// [`MAX_RING`](crate::memory::MAX_RING).
    pub const fn new(input: usize, output: usize) -> Self {
        Self { input, output }
    }

    /// Returns the size of a ring that holds `datagrams` datagrams of `length` bytes.
    pub const fn holding(datagrams: usize, length: usize) -> usize {
        length.saturating_add(Self::HEAD).saturating_mul(datagrams)
    }

    /// Returns the number of bytes that both rings take in the storage.
    pub const fn bytes(&self) -> usize {
        self.input.saturating_add(self.output)
    }
}
