//! The UDP sockets of the base, on UDP sockets of the stack, with the feature `udp`.
//!
//! Each UDP socket of the base has a [`UdpSlot`](slot::UdpSlot), which has a socket of the stack. For the [bits of
//! changed sockets](crate::ready), the UDP slots are numbered after the TCP sockets.
//!
//! * The stack keeps a datagram, and all datagrams behind it, until the neighbour's hardware address is known: forever
//!   if the neighbour does not answer. So the stack gets one datagram at a time, and this datagram is dropped after
//!   [three seconds](slot::SEND_TIMEOUT).
//! * The length of a datagram is known only after the datagram is taken from the stack. So a datagram is taken only
//!   while the base's ring has room for the longest possible datagram. The other datagrams wait in the stack's buffer.
//!   The stack drops datagrams that do not fit this buffer.

#[cfg(not(feature = "udp"))]
mod off;
#[cfg(feature = "udp")]
mod slot;
#[cfg(feature = "udp")]
mod socket;
#[cfg(feature = "udp")]
mod sockets;
#[cfg(feature = "udp")]
mod work;

#[cfg(not(feature = "udp"))]
pub(crate) use off::{Udp, UdpSlots};
#[cfg(feature = "udp")]
pub(crate) use slot::{Udp, UdpSlots};
#[cfg(feature = "udp")]
pub use sockets::UdpSockets;
