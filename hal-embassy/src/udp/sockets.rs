//! The memory of the UDP sockets.

use embassy_net::Stack;
use embassy_net::udp::PacketMetadata;
use heapless::Vec;

use super::slot::UdpSlots;
use super::socket::Socket;

/// The buffers of `SOCKETS` UDP sockets of the stack. Each UDP socket of the base needs one socket of the stack. One
/// more socket of the stack is needed if the same callback closes a socket and binds another socket.
///
/// * `SOCKETS`: the number of UDP sockets.
/// * `RX`: the size of each receive buffer in bytes. The buffer holds the datagrams that the base has not taken from
///   the stack yet. The stack drops datagrams that do not fit into the buffer, and does not count the dropped
///   datagrams. If the base's ring is longer than `RX`, the base takes several datagrams in one iteration of the loop.
/// * `TX`: the size of each send buffer in bytes. The buffer holds the datagrams that the stack has to send. No
///   datagram can be longer than `TX`. No datagram can be longer than 1,472 bytes over IPv4 and 1,452 bytes over IPv6,
///   since the stack does not fragment.
/// * `PACKETS`: the number of datagrams in each receive buffer and in each send buffer.
///
/// A new value is all zeros, so a `static` value takes no flash. The `StackResources` need room for each of
/// these sockets.
pub struct UdpSockets<
    const SOCKETS: usize,
    const RX: usize,
    const TX: usize,
    const PACKETS: usize = 4,
> {
    buffers: [Buffers<RX, TX, PACKETS>; SOCKETS],
}

struct Buffers<const RX: usize, const TX: usize, const PACKETS: usize> {
    rx: [u8; RX],
    tx: [u8; TX],
    // The lists are filled only in `open`: an entry `PacketMetadata::EMPTY` is not all zeros, but a new value must be
    // all zeros to take no flash.
    rx_packets: Vec<PacketMetadata, PACKETS>,
    tx_packets: Vec<PacketMetadata, PACKETS>,
}

impl<const SOCKETS: usize, const RX: usize, const TX: usize, const PACKETS: usize>
    UdpSockets<SOCKETS, RX, TX, PACKETS>
{
    /// Makes the buffers.
    pub const fn new() -> Self {
        Self { buffers: [const { Buffers::new() }; SOCKETS] }
    }

    /// Adds all the sockets to the stack.
    pub(crate) fn open<'n>(&'n mut self, stack: Stack<'n>) -> UdpSlots<'n, SOCKETS> {
        let mut slots = UdpSlots::new();
        for Buffers { rx, tx, rx_packets, tx_packets } in &mut self.buffers {
            while rx_packets.push(PacketMetadata::EMPTY).is_ok() {}
            while tx_packets.push(PacketMetadata::EMPTY).is_ok() {}
            // The number of slots is the number of buffers, so this always succeeds.
            slots.add(Socket::new(stack, rx_packets, rx, tx_packets, tx));
        }
        slots
    }
}

impl<const RX: usize, const TX: usize, const PACKETS: usize> Buffers<RX, TX, PACKETS> {
    const fn new() -> Self {
        Self { rx: [0; RX], tx: [0; TX], rx_packets: Vec::new(), tx_packets: Vec::new() }
    }
}

impl<const SOCKETS: usize, const RX: usize, const TX: usize, const PACKETS: usize> Default
    for UdpSockets<SOCKETS, RX, TX, PACKETS>
{
    fn default() -> Self {
        Self::new()
    }
}
