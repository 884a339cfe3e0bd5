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
//! * `Readable` comes after a datagram arrived, and again in the next pass while the application has taken
//!   some and others are left. A callback that takes none is called when another arrives.
//! * A datagram is queued whole or not at all. `Writable` comes when the one that was refused last fits.
//! * A connect, the groups of a multicast and the permission to broadcast are requests in the output ring
//!   too, so they apply to the datagrams that are sent after them, and to no other.
//! * A datagram longer than the input ring is cut to what the ring holds, and marked. One that finds no room
//!   waits with the back end or the system; what is dropped is counted.
//!
//! It is the feature `udp`: see docs/decisions/0050-datagrams-are-a-feature.md.

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

/// What happened to a UDP socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum UdpEvent {
    /// There are datagrams to receive.
    Readable,
    /// There is room for the datagram that was refused last.
    Writable,
    /// The socket could not be bound, or a datagram not be sent, or a peer answered that it has no such
    /// port. Only a socket that could not be bound is of no more use. Of several errors before the callback,
    /// the last counts.
    Failed(UdpError),
}

/// How long the rings of a UDP socket are, in bytes.
///
/// A datagram takes its length and [`HEAD`](Self::HEAD) bytes at most, in one piece.
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
    /// The bytes that a datagram takes in a ring beside its own, at most: 25 with an address of IPv6, 9 with
    /// one of IPv4.
    pub const HEAD: usize = 25;

    /// The shortest ring: it holds one empty datagram.
    pub const LEAST: usize = Self::HEAD;

    /// Describes rings of `input` bytes received and not consumed, and `output` bytes not sent. Each from
    /// [`LEAST`](Self::LEAST) to [`MAX_RING`](crate::memory::MAX_RING).
    pub const fn new(input: usize, output: usize) -> Self {
        Self { input, output }
    }

    /// Returns the size of a ring that holds so many datagrams of such a length.
    pub const fn holding(datagrams: usize, length: usize) -> usize {
        length.saturating_add(Self::HEAD).saturating_mul(datagrams)
    }

    /// Returns the bytes of the storage that they take.
    pub const fn bytes(&self) -> usize {
        self.input.saturating_add(self.output)
    }
}
