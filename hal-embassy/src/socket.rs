//! One TCP socket of the stack, without futures: every call does what can be done at once, and does not wait.
//!
//! All other modules use TCP sockets only through this module. embassy-net 0.9 has only futures, so a function of this
//! module polls a future once and drops it. The effects of the poll stay in the stack after the future is dropped: the
//! waker is set, and after `accept` or `connect` the socket listens or connects. Functions that only examine the socket
//! use the getters, which need no mutable access: each mutable access makes the stack's runner run.
//!
//! Only `wake_on_input` and `wake_on_output` set a waker that wakes the task. Every other function may replace this
//! waker with a waker that does nothing. So after any use of a socket, its wakers are set again before the task sleeps.

use core::future::Future;
use core::net::SocketAddr;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use embassy_net::tcp::{State, TcpSocket};
use embassy_net::{IpAddress, IpEndpoint, IpListenEndpoint, Stack};
use picoevent::{ConnError, Tuning};

use crate::time::duration;

pub(crate) struct Socket<'n>(TcpSocket<'n>, Tuning);

/// The state of a socket, reduced to the states that this crate distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// There is no connection, or no longer a connection. A reset may still have to be sent.
    Closed,
    Listening,
    /// Waits for the peer's answer, as a client or as a server.
    Handshake,
    /// Established, and our side is open.
    Open,
    /// Our side is closed. Our end of stream is sent or will be sent next, and the peer has not acknowledged it yet.
    Finishing,
    /// The peer has acknowledged our end of stream; we have not received the peer's end of stream.
    Finished,
    /// Both sides have closed the connection in order.
    Done,
}

/// The result of a read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Bytes(usize),
    Nothing,
    /// The peer's end of stream; everything before it was read.
    End,
    /// The connection has ended: the peer reset it, or the stack gave it up.
    Reset,
}

impl<'n> Socket<'n> {
    pub(crate) fn new(
        stack: Stack<'n>,
        rx: &'n mut [u8],
        tx: &'n mut [u8],
        timeout: Option<Duration>,
    ) -> Self {
        let mut socket = Self(TcpSocket::new(stack, rx, tx), Tuning { nagle: true, keep_alive: 0 });
        socket.0.set_timeout(timeout.map(duration));
        socket
    }

    /// Applies the settings of a connection.
    pub(crate) fn tune(&mut self, tuning: Tuning) {
        // A socket keeps its settings after a connection has ended, so most sockets have these settings already.
        if core::mem::replace(&mut self.1, tuning) == tuning {
            return;
        }
        self.0.set_nagle_enabled(tuning.nagle);
        self.0.set_keep_alive(tuning.keep_alive().map(duration));
    }

    /// Begins to listen. Returns whether the socket listens now. The socket must be [`Phase::Closed`] or
    /// [`Phase::Done`]. If the socket still has to send a reset, the reset is not sent.
    pub(crate) fn listen(&mut self, endpoint: IpListenEndpoint) -> bool {
        poll_without_waker(self.0.accept(endpoint)).is_pending()
    }

    /// Begins to connect. The socket must be [`Phase::Closed`] or [`Phase::Done`].
    pub(crate) fn connect(&mut self, peer: IpEndpoint) -> Result<(), ConnError> {
        match poll_without_waker(self.0.connect(peer)) {
            Poll::Pending => Ok(()),
            // On a closed socket this fails for one reason only: there is no local address.
            Poll::Ready(_) => Err(ConnError::Unreachable),
        }
    }

    /// Reads up to `buf.len()` bytes. `buf` must not be empty.
    pub(crate) fn read(&mut self, buf: &mut [u8]) -> Read {
        // Without unread data, `may_recv` returns false only after the end of the stream or a reset. The result of
        // `read` shows which of the two it was.
        if !self.0.can_recv() && self.0.may_recv() {
            return Read::Nothing;
        }
        match poll_without_waker(self.0.read(buf)) {
            Poll::Ready(Ok(0)) => Read::End,
            Poll::Ready(Ok(amount)) => Read::Bytes(amount),
            Poll::Ready(Err(_)) => Read::Reset,
            Poll::Pending => Read::Nothing,
        }
    }

    /// Writes up to the free space of the buffer. Returns the number of bytes written.
    pub(crate) fn write(&mut self, data: &[u8]) -> usize {
        if data.is_empty() || !self.0.can_send() {
            return 0;
        }
        self.write_with_waker(data, Waker::noop())
    }

    /// Writes up to the free space of the buffer. Returns the number of bytes written. If there is no free space, sets
    /// `waker` to be woken when there may be free space.
    #[inline(never)]
    fn write_with_waker(&mut self, data: &[u8], waker: &Waker) -> usize {
        match poll_once(self.0.write(data), waker) {
            Poll::Ready(Ok(amount)) => amount,
            Poll::Ready(Err(_)) | Poll::Pending => 0,
        }
    }

    /// Sends an end of stream after the output, or stops listening.
    pub(crate) fn close(&mut self) {
        self.0.close();
    }

    /// Drops the connection. The peer gets a reset as soon as the stack can send one. A peer that
    /// has not answered our SYN gets no reset (RFC 9293, 3.10.5).
    pub(crate) fn abort(&mut self) {
        match self.0.state() {
            State::SynSent => self.drop_without_reset(),
            _ => self.0.abort(),
        }
    }

    /// Drops the connection and sends no reset.
    pub(crate) fn drop_without_reset(&mut self) {
        self.0.abort();
        // When a socket begins to listen, the stack discards a reset that the socket still has to send.
        self.listen(IpListenEndpoint::from(1));
        self.0.close();
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.0.state() {
            State::Closed => Phase::Closed,
            State::Listen => Phase::Listening,
            State::SynSent | State::SynReceived => Phase::Handshake,
            State::Established | State::CloseWait => Phase::Open,
            State::FinWait1 | State::Closing | State::LastAck => Phase::Finishing,
            State::FinWait2 => Phase::Finished,
            State::TimeWait => Phase::Done,
        }
    }

    /// Returns whether the connection was dropped and the reset is not sent yet.
    pub(crate) fn has_pending_reset(&self) -> bool {
        self.phase() == Phase::Closed && self.0.remote_endpoint().is_some()
    }

    /// Returns whether there is unread input.
    pub(crate) fn has_input(&self) -> bool {
        self.0.can_recv()
    }

    /// Returns whether the peer has acknowledged everything that was written.
    pub(crate) fn is_output_acknowledged(&self) -> bool {
        self.0.send_queue() == 0
    }

    /// Returns whether both sockets have a connection between the same addresses and ports.
    pub(crate) fn has_same_endpoints(&self, other: &Self) -> bool {
        let peer = self.0.remote_endpoint();
        peer.is_some()
            && peer == other.0.remote_endpoint()
            && self.0.local_endpoint() == other.0.local_endpoint()
    }

    /// Returns the peer's address and port; `None` while there is no connection.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.0.remote_endpoint().map(SocketAddr::from)
    }

    /// Returns our address and port; `None` while there is no connection.
    pub(crate) fn local(&self) -> Option<SocketAddr> {
        self.0.local_endpoint().map(SocketAddr::from)
    }

    pub(crate) fn local_address(&self) -> Option<IpAddress> {
        self.0.local_endpoint().map(|local| local.addr)
    }

    /// Sets `waker` to be woken when there is input, or the state changes.
    pub(crate) fn wake_on_input(&self, waker: &Waker) {
        let _ = poll_once(self.0.wait_read_ready(), waker);
    }

    /// Sets `waker` to be woken when output is acknowledged, or the state changes.
    pub(crate) fn wake_on_output(&mut self, waker: &Waker) {
        // The loop also sets this waker when it has no output and waits only for a reset. Then the socket has room for
        // output, and `wait_write_ready` would be ready at once without setting the waker. A write of no bytes sets the
        // waker even if there is room.
        if self.0.may_send() {
            self.write_with_waker(&[], waker);
        } else {
            let _ = poll_once(self.0.wait_write_ready(), waker);
        }
    }
}

/// Polls a future once and drops it.
pub(crate) fn poll_once<F: Future>(future: F, waker: &Waker) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(waker))
}

/// Polls a future once, with a waker that does nothing.
pub(crate) fn poll_without_waker<F: Future>(future: F) -> Poll<F::Output> {
    poll_once(future, Waker::noop())
}
