//! Datagrams in memory. If the base does not accept a datagram because a ring is full, the datagram waits for the next
//! `report`. A datagram is dropped only if no socket of the device is bound to its address.

use std::collections::VecDeque;
use std::net::SocketAddr;

use picoevent::{EventBase, UdpAction, UdpError, UdpRequest, UdpSocket};

use crate::harness::PeerSocket;

/// The UDP sockets of the device, and the UDP sockets of its peers.
#[derive(Default)]
pub(crate) struct Datagrams {
    sockets: Vec<(UdpSocket, SocketAddr)>,
    /// The address of each peer, and the datagrams that the peer has received.
    udp_peers: Vec<(SocketAddr, Vec<Vec<u8>>)>,
    /// The datagrams in transit to the device: the source address, the destination address, and the bytes.
    to_device: VecDeque<(SocketAddr, SocketAddr, Vec<u8>)>,
}

impl Datagrams {
    pub(crate) fn add_peer_socket(&mut self, address: SocketAddr) -> PeerSocket {
        self.udp_peers.push((address, Vec::new()));
        self.udp_peers.len() - 1
    }

    pub(crate) fn send(&mut self, peer: PeerSocket, device: SocketAddr, bytes: &[u8]) {
        self.to_device.push_back((self.udp_peers[peer].0, device, bytes.to_vec()));
    }

    pub(crate) fn take(&mut self, peer: PeerSocket) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.udp_peers[peer].1)
    }

    /// Performs an action that the base requests.
    pub(super) fn act<A>(
        &mut self,
        socket: UdpSocket,
        action: UdpAction,
        base: &mut EventBase<'_, A>,
    ) {
        match action {
            UdpAction::Bind => {
                let Some(address) = base.udp_address_of(socket) else { return };
                if self.sockets.iter().any(|(_, of)| *of == address) {
                    return base.bind_failed(socket, UdpError::InUse);
                }
                self.sockets.push((socket, address));
                base.bound(socket, address);
            }
            // The next `report` reports the datagrams that wait.
            UdpAction::ReceiveFrom => {}
            UdpAction::SendTo => {
                while let Some(request) = base.udp_request(socket) {
                    let done = self.perform(request);
                    base.udp_done(socket, done);
                }
            }
            UdpAction::Unbind => self.sockets.retain(|(of, _)| *of != socket),
        }
    }

    fn perform(&mut self, request: UdpRequest<'_>) -> Result<(), UdpError> {
        let UdpRequest::Send(to, data) = request else { return Ok(()) };
        let host = self.udp_peers.iter_mut().find(|(address, _)| *address == to);
        host.ok_or(UdpError::Unreachable)?.1.push(data.to_vec());
        Ok(())
    }

    /// Reports the datagrams that are in transit to the device.
    pub(super) fn report<A>(&mut self, base: &mut EventBase<'_, A>) {
        let sockets = &self.sockets;
        self.to_device.retain(|(from, to, data)| {
            let socket = sockets.iter().find(|(_, address)| address == to);
            socket.is_some_and(|(socket, _)| !base.received_from(*socket, *from, data))
        });
    }
}
