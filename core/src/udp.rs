//! UDP sockets. Each socket has a callback, and a byte ring for each direction that stores datagrams.
//!
//! ```text
//!            back end                                    application
//!   wire ──▶ received_from(…)  ──▶ input ring  ──▶ peek / receive_from / consume    Readable
//!   wire ◀── udp_request()     ◀── output ring ◀── send_to / send / connect / …     Writable
//!            bind_failed / udp_failed ───────────────────────────────────────────▶ Failed
//! ```
//!
//! * A datagram is a record in a ring: its bytes, its length and the peer's address ([`ring`]).
//! * `Readable` is reported when a datagram has arrived. If the callback takes some datagrams but not all, the callback
//!   is called again in the next pass. If the callback takes no datagram, it is called again when the next datagram
//!   arrives.
//! * A datagram is queued whole or not at all. A datagram that does not fit into the output ring is refused. `Writable`
//!   is reported when the output ring has room for the datagram that was refused last.
//! * The output ring also stores other requests: to connect, to join or to leave a multicast group, and to allow or to
//!   forbid broadcasts. So a request applies only to datagrams that are queued after the request.
//! * A datagram longer than the input ring is truncated to the size of the ring; `Datagram::truncated` is then set. A
//!   datagram for which there is no room waits in the back end or the system. Dropped datagrams are counted.
//!
//! UDP sockets need the feature `udp`: see docs/decisions/0050-datagrams-are-a-feature.md.

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
    /// The output ring has room for the datagram or request that was refused last.
    Writable,
    /// One of these errors has happened:
    ///
    /// * The socket could not be bound.
    /// * A datagram could not be sent.
    /// * Another request failed, for example to join a group.
    /// * A peer answered that its port is not in use.
    ///
    /// In all cases except the first, the socket stays usable. If several errors happen before the callback runs, the
    /// callback gets the last error.
    Failed(UdpError),
}

/// The sizes of the rings of a UDP socket, in bytes.
///
/// In a ring, a datagram takes as many bytes as its data, and at most [`HEAD`](Self::HEAD) more bytes. These bytes must
/// be contiguous in the ring.
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
    /// The maximum number of bytes that a datagram takes in a ring in addition to its data. A datagram with an IPv6
    /// address takes 25 more bytes, a datagram with an IPv4 address takes 9.
    pub const HEAD: usize = 25;

    /// The minimum size of a ring, in bytes. A ring of this size holds one empty datagram.
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
