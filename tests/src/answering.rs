//! A UDP service on the peer's stack. A closure answers the datagrams.

use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::udp;

/// Returns the answer to a datagram, if there is one.
pub type Answer = Box<dyn FnMut(&[u8]) -> Option<Vec<u8>> + Send>;

/// A service on one port.
pub(crate) struct Answering {
    socket: SocketHandle,
    answer: Answer,
}

/// The buffer size in each direction, for a few datagrams of the usual size.
const BUFFER: usize = 4096;

impl Answering {
    /// Opens the service on a port, with a socket in `sockets`.
    pub(crate) fn open(sockets: &mut SocketSet<'_>, port: u16, answer: Answer) -> Self {
        let buffer =
            || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; 8], vec![0; BUFFER]);
        let mut socket = udp::Socket::new(buffer(), buffer());
        socket.bind(port).expect("a new socket can be bound to a port that is not 0");
        Self { socket: sockets.add(socket), answer }
    }

    /// Answers all datagrams that have arrived.
    pub(crate) fn serve(&mut self, sockets: &mut SocketSet<'_>) {
        let socket = sockets.get_mut::<udp::Socket<'_>>(self.socket);
        while let Ok((datagram, from)) = socket.recv() {
            if let Some(answer) = (self.answer)(datagram) {
                // If the queue is full, the answer is lost, as in a network. The client repeats its request.
                let _ = socket.send_slice(&answer, from.endpoint);
            }
        }
    }
}
