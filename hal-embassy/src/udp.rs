//! UDP sockets on the stack's, with the feature `udp`.
//!
//! Each UDP socket of the base has a [place](place) with a socket of the stack. Their numbers continue those
//! of the TCP sockets, for the [bits of those with news](crate::ready).
//!
//! * The stack keeps a datagram until it knows its neighbour's hardware address, forever if nobody answers,
//!   and others behind it. So it is given one datagram at a time, and that is given up after
//!   [three seconds](place::GIVE_UP).
//! * A datagram is taken from the stack while the ring has room for the longest one it may be, since it can
//!   only be looked at by taking it. The others wait in the stack's buffer, which drops what it has no room
//!   for.

#[cfg(not(feature = "udp"))]
mod off;
#[cfg(feature = "udp")]
mod place;
#[cfg(feature = "udp")]
mod socket;
#[cfg(feature = "udp")]
mod sockets;
#[cfg(feature = "udp")]
mod work;

#[cfg(not(feature = "udp"))]
pub(crate) use off::{Places, Udp};
#[cfg(feature = "udp")]
pub(crate) use place::{Places, Udp};
#[cfg(feature = "udp")]
pub use sockets::UdpSockets;
