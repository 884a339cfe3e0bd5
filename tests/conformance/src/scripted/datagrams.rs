//! Datagrams in memory. Datagrams that the base has no room for wait in order. A datagram is dropped only if no socket
//! of the device is bound to its address.

use std::collections::VecDeque;
use std::net::SocketAddr;

use picoevent::{EventBase, UdpAction, UdpError, UdpRequest, UdpSocket};

use crate::stage::Host;

/// The UDP sockets of the device, and those of its peers.
#[derive(Default)]
pub(crate) struct Datagrams {
    sockets: Vec<(UdpSocket, SocketAddr)>,
    /// The address of each peer, and what it has received.
    hosts: Vec<(SocketAddr, Vec<Vec<u8>>)>,
    /// The datagrams in transit to the device: the source address, the destination address, and the bytes.
    to_device: VecDeque<(SocketAddr, SocketAddr, Vec<u8>)>,
}

impl Datagrams {
    pub(crate) fn add_host(&mut self, address: SocketAddr) -> Host {
        self.hosts.push((address, Vec::new()));
        self.hosts.len() - 1
    }

    pub(crate) fn send(&mut self, host: Host, device: SocketAddr, bytes: &[u8]) {
        self.to_device.push_back((self.hosts[host].0, device, bytes.to_vec()));
    }

    pub(crate) fn take(&mut self, host: Host) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.hosts[host].1)
    }

    /// Performs what the base requests.
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
            // The next `feed` feeds the datagrams that wait.
            UdpAction::ReceiveFrom => {}
            UdpAction::SendTo => {
                while let Some(request) = base.udp_request(socket) {
                    let done = self.carry_out(request);
                    base.udp_done(socket, done);
                }
            }
            UdpAction::Unbind => self.sockets.retain(|(of, _)| *of != socket),
        }
    }

    fn carry_out(&mut self, request: UdpRequest<'_>) -> Result<(), UdpError> {
        let UdpRequest::Send(to, data) = request else { return Ok(()) };
        let host = self.hosts.iter_mut().find(|(address, _)| *address == to);
        host.ok_or(UdpError::Unreachable)?.1.push(data.to_vec());
        Ok(())
    }

    /// Feeds the datagrams that are in transit to the device.
    pub(super) fn feed<A>(&mut self, base: &mut EventBase<'_, A>) {
        let sockets = &self.sockets;
        self.to_device.retain(|(from, to, data)| {
            let socket = sockets.iter().find(|(_, address)| address == to);
            socket.is_some_and(|(socket, _)| !base.received_from(*socket, *from, data))
        });
    }
}
