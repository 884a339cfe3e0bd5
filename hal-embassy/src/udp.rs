//! The UDP sockets of the base, on UDP sockets of the stack, with the feature `udp`.
//!
//! Each UDP socket of the base has a [`UdpSlot`](slot::UdpSlot), which has a socket of the stack. The [bits of changed
//! sockets](crate::ready) number the TCP sockets first, then the UDP slots.
//!
//! * The stack keeps a datagram, and all datagrams behind it, until it knows the neighbour's hardware address: forever
//!   if the neighbour does not answer. So the stack gets one datagram at a time, and this datagram is dropped after
//!   [three seconds](slot::SEND_TIMEOUT).
//! * A datagram is taken from the stack only while the base's ring has room for the longest possible datagram, since
//!   its length is known only after it is taken. The other datagrams wait in the stack's buffer. The stack drops
//!   datagrams that do not fit this buffer.

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
