//! The memory of the sockets: the receive and send buffers of every socket.

use embassy_net::Stack;
use heapless::Vec;

use crate::config::Config;
use crate::slot::Slot;
use crate::socket::Socket;

/// The buffers of `SOCKETS` sockets.
///
/// * `SOCKETS`: the number of connections that the stack can have at once. These are the base's connections,
///   connections that wait to be accepted, connections that are being closed, and a few sockets that listen.
/// * `RX`: the size of each receive buffer in bytes. A peer may send this many bytes before the base's input ring has
///   room for them.
/// * `TX`: the size of each send buffer in bytes. This many bytes can be sent before the peer has acknowledged them.
///
/// A new value is all zeros, so a `static` value takes no flash.
pub struct Sockets<const SOCKETS: usize, const RX: usize, const TX: usize> {
    buffers: [([u8; RX], [u8; TX]); SOCKETS],
}

impl<const SOCKETS: usize, const RX: usize, const TX: usize> Sockets<SOCKETS, RX, TX> {
    /// Makes the buffers.
    pub const fn new() -> Self {
        Self { buffers: [([0; RX], [0; TX]); SOCKETS] }
    }

    /// Makes a socket in the stack for each pair of these buffers.
    pub(crate) fn open<'n>(
        &'n mut self,
        stack: Stack<'n>,
        config: &Config,
    ) -> Vec<Slot<'n>, SOCKETS> {
        let mut slots = Vec::new();
        for (rx, tx) in &mut self.buffers {
            // The number of slots is the number of buffers, so this cannot fail.
            let _ = slots.push(Slot::new(Socket::new(stack, rx, tx, config.timeout)));
        }
        slots
    }
}

impl<const SOCKETS: usize, const RX: usize, const TX: usize> Default for Sockets<SOCKETS, RX, TX> {
    fn default() -> Self {
        Self::new()
    }
}
