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
//! * `Readable` is reported when a datagram has arrived. If the callback takes some datagrams but not all, it is called
//!   again in the next pass. If it takes no datagram, it is called when the next datagram arrives.
//! * A datagram is queued whole or not at all. `Writable` is reported when the last refused datagram fits.
//! * The output ring also stores other requests: to connect, to join or to leave a multicast group, and to allow or to
//!   forbid broadcasts. So such a request applies only to datagrams that are queued after it.
//! * A datagram longer than the input ring is truncated to the size of the ring; `Datagram::truncated` is then set. A
//!   datagram for which there is no room waits in the back end or the system. Dropped datagrams are counted.
//!
//! This is the feature `udp`: see docs/decisions/0050-datagrams-are-a-feature.md.

#[cfg(feature = "udp")]
mod action;
mod error;
#[cfg(not(feature = "udp"))]
mod off;
#[cfg(feature = "udp")]
mod reports;
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
#[cfg(all(feature = "record", not(feature = "udp")))]
pub(crate) use off::play;
#[cfg(not(feature = "udp"))]
pub use off::{FiredUdp, UdpAction, UdpSlot};
#[cfg(not(feature = "udp"))]
pub(crate) use off::{UdpIndex, UdpTable};
#[cfg(feature = "udp")]
pub use reports::UdpRequest;
#[cfg(all(feature = "record", feature = "udp"))]
pub(crate) use reports::play;
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
    /// If several errors happen before the callback runs, the callback gets the last error.
    Failed(UdpError),
}

/// The sizes of the rings of a UDP socket, in bytes.
///
/// In a ring, a datagram takes the bytes of its data and at most [`HEAD`](Self::HEAD) more bytes. All of them must be
/// contiguous in the ring.
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
    /// The maximum number of bytes that a datagram takes in a ring besides its data: 25 with an IPv6 address, 9 with an
    /// IPv4 address.
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
