//! One UDP socket of the stack, without futures, like [`crate::socket`] for TCP.
//!
//! All other modules use the stack's UDP sockets only through this module.

use core::net::SocketAddr;
use core::task::{Context, Poll, Waker};

use embassy_net::udp::{BindError, PacketMetadata, SendError, UdpSocket};
use embassy_net::{IpEndpoint, IpListenEndpoint, Stack};
use picoevent::UdpError;

use crate::socket::poll_without_waker;

pub(crate) struct Socket<'n>(UdpSocket<'n>);

impl<'n> Socket<'n> {
    pub(super) fn new(
        stack: Stack<'n>,
        rx_packets: &'n mut [PacketMetadata],
        rx: &'n mut [u8],
        tx_packets: &'n mut [PacketMetadata],
        tx: &'n mut [u8],
    ) -> Self {
        Self(UdpSocket::new(stack, rx_packets, rx, tx_packets, tx))
    }

    /// Binds the socket, which must be closed. The stack chooses a port for port 0.
    pub(super) fn bind(&mut self, endpoint: IpListenEndpoint) -> Result<(), UdpError> {
        self.0.bind(endpoint).map_err(|error| match error {
            BindError::InvalidState => UdpError::InUse,
            BindError::NoRoute => UdpError::Invalid,
        })
    }

    /// Returns the socket's own address and port; the port is 0 if the socket is closed.
    pub(super) fn endpoint(&self) -> IpListenEndpoint {
        self.0.endpoint()
    }

    /// Closes the socket. The content of its buffers is lost.
    pub(super) fn close(&mut self) {
        self.0.close();
    }

    /// Returns the length of the longest datagram that can be received.
    pub(super) fn longest(&self) -> usize {
        self.0.payload_recv_capacity()
    }

    /// Takes the oldest datagram, passes it to `take`, and returns the result of `take`; `None` if there is
    /// no datagram.
    pub(super) fn receive<R>(&mut self, take: impl FnOnce(SocketAddr, &[u8]) -> R) -> Option<R> {
        if !self.0.may_recv() {
            return None;
        }
        let taken = poll_without_waker(
            self.0.recv_from_with(|data, meta| take(meta.endpoint.into(), data)),
        );
        match taken {
            Poll::Ready(taken) => Some(taken),
            Poll::Pending => None,
        }
    }

    /// Gives the stack a datagram to send. Returns `Pending` if the stack has no room for the datagram.
    pub(super) fn send(&mut self, to: IpEndpoint, data: &[u8]) -> Poll<Result<(), UdpError>> {
        let sent = self.0.poll_send_to(data, to, &mut Context::from_waker(Waker::noop()));
        sent.map_err(|error| match error {
            SendError::NoRoute | SendError::SocketNotBound => UdpError::Unreachable,
            SendError::PacketTooLarge => UdpError::TooLong,
        })
    }

    /// Returns whether the stack has sent everything. If not, `waker` is woken when the stack has sent a datagram.
    pub(super) fn is_flushed(&mut self, waker: &Waker) -> bool {
        crate::socket::poll_once(self.0.flush(), waker).is_ready()
    }

    /// Returns whether there is a datagram. If there is no datagram, `waker` is woken when a datagram arrives.
    pub(super) fn has_input(&self, waker: &Waker) -> bool {
        self.0.poll_recv_ready(&mut Context::from_waker(waker)).is_ready()
    }
}
