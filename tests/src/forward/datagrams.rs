//! Forwards a UDP port of the host to a port of the board.

use std::io;
use std::net::{SocketAddr, SocketAddrV4, UdpSocket};

use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::udp::{PacketBuffer, PacketMetadata, Socket};

/// The first port on the peer's stack for datagrams. These ports differ from the ports of connections.
const FIRST_PORT: u16 = 20_000;
/// The maximum number of waiting datagrams in each direction. `BUFFER` is the maximum number of bytes in these
/// datagrams.
const PACKETS: usize = 16;
const BUFFER: usize = 16 * 1024;

/// Forwards datagrams. Each client on the host gets a separate port at the peer.
pub(crate) struct Datagrams {
    near: UdpSocket,
    server: SocketAddrV4,
    clients: Vec<(SocketAddr, SocketHandle)>,
}

impl Datagrams {
    /// Makes a forwarder for the datagrams that `near` receives.
    ///
    /// # Errors
    /// If the socket cannot be set up.
    pub(crate) fn new(near: UdpSocket, server: SocketAddrV4) -> io::Result<Self> {
        near.set_nonblocking(true)?;
        Ok(Self { near, server, clients: Vec::new() })
    }

    /// Moves datagrams in both directions. Datagrams that do not fit are lost, as in a network.
    pub(crate) fn step(&mut self, sockets: &mut SocketSet<'static>) {
        let mut datagram = [0; 2048];
        while let Ok((length, client)) = self.near.recv_from(&mut datagram) {
            let handle = self.socket_of(client, sockets);
            let socket = sockets.get_mut::<Socket<'_>>(handle);
            let server = (*self.server.ip(), self.server.port());
            let _ = socket.send_slice(&datagram[..length], server);
        }
        for (client, handle) in &self.clients {
            while let Ok((answer, _)) = sockets.get_mut::<Socket<'_>>(*handle).recv() {
                let _ = self.near.send_to(answer, client);
            }
        }
    }

    fn socket_of(&mut self, client: SocketAddr, sockets: &mut SocketSet<'static>) -> SocketHandle {
        if let Some((_, handle)) = self.clients.iter().find(|(known, _)| *known == client) {
            return *handle;
        }
        let buffer = || PacketBuffer::new(vec![PacketMetadata::EMPTY; PACKETS], vec![0; BUFFER]);
        let mut socket = Socket::new(buffer(), buffer());
        let port = FIRST_PORT + self.clients.len() as u16;
        socket.bind(port).expect("a new socket can be bound to a port that is not 0");
        let handle = sockets.add(socket);
        self.clients.push((client, handle));
        handle
    }
}
