//! The DHCP server on a UDP socket of the peer's stack.

use picoevent_sim_support::net::dhcp::Server;
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::udp;
use smoltcp::wire::{DHCP_CLIENT_PORT, DHCP_SERVER_PORT, IpListenEndpoint, Ipv4Address};

pub use picoevent_sim_support::net::dhcp::{Lease, Policy, Tally};

/// A DHCP server on one UDP socket.
#[derive(Debug)]
pub(crate) struct DhcpServer {
    socket: SocketHandle,
    pub(crate) server: Server,
}

/// The buffer size in each direction, for a few messages of the usual size.
const BUFFER: usize = 4096;

impl DhcpServer {
    /// Opens the server's port, with a socket in `sockets`. The host at `address` is also the
    /// router and the name server.
    pub(crate) fn open(sockets: &mut SocketSet<'_>, address: Ipv4Address, policy: Policy) -> Self {
        let buffer =
            || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; 8], vec![0; BUFFER]);
        let mut socket = udp::Socket::new(buffer(), buffer());
        let port = IpListenEndpoint::from(DHCP_SERVER_PORT);
        socket.bind(port).expect("a new socket can be bound to a port that is not 0");
        let mut server = Server::new(address, Some(address), policy);
        server.set_name_server(address);
        Self { socket: sockets.add(socket), server }
    }

    /// Answers all messages that have arrived.
    pub(crate) fn serve(&mut self, sockets: &mut SocketSet<'_>) {
        let socket = sockets.get_mut::<udp::Socket<'_>>(self.socket);
        while let Ok((message, _)) = socket.recv() {
            let answer = self.server.answer(message);
            if let Some(bytes) = answer {
                // If the queue is full, the answer is lost, as in a network. The client repeats its request.
                let _ = socket.send_slice(&bytes, (Ipv4Address::BROADCAST, DHCP_CLIENT_PORT));
            }
        }
    }
}
