//! The peers: sockets of one smoltcp interface.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use picoevent_sim_support::net::{PeerEnd, host};
use smoltcp::iface::{Interface, PollResult, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket, State};
use smoltcp::socket::udp;
use smoltcp::time::Instant;
use smoltcp::wire::IpCidr;

use super::cable::Cable;
use super::network::host as host_of;
use crate::harness::{Ending, PeerConn, PeerSocket, Received};

/// The size of a peer's send buffer, and of the receive buffer of a peer that listens.
const BUFFER: usize = 65_535;

pub(super) struct Peers {
    cable: PeerEnd<Rc<RefCell<Cable>>>,
    interface: Interface,
    sockets: SocketSet<'static>,
    peers: Vec<Peer>,
    udp_peers: Vec<SocketHandle>,
    now: u64,
}

struct Peer {
    socket: SocketHandle,
    is_reading: bool,
    /// Whether both directions are closed. If they are closed, the peer answers data with a reset.
    is_closed: bool,
    received: Received,
}

impl Peers {
    pub(super) fn new(cable: Rc<RefCell<Cable>>, v6: bool) -> Self {
        let mut cable = PeerEnd(cable);
        let mut interface = host::interface(&mut cable, Cable::PEER, None, 0);
        let prefix = if v6 { 64 } else { 24 };
        let address = IpCidr::new(host_of(v6, 1).into(), prefix);
        interface.update_ip_addrs(|own| own.push(address).expect("the first address"));
        let sockets = SocketSet::new(Vec::new());
        Self { cable, interface, sockets, peers: Vec::new(), udp_peers: Vec::new(), now: 0 }
    }

    /// Lets all peers work. Returns whether the peers had anything to do.
    pub(super) fn work(&mut self, now: u64) -> bool {
        self.now = now;
        let had_frame = self.cable.0.borrow().has_frame_for_peer();
        let polled = self.poll();
        self.peers.iter_mut().for_each(|peer| peer.receive(self.sockets.get_mut(peer.socket)));
        // The peers have read data, so their windows may have opened. This poll sends the window updates.
        self.poll() | polled | had_frame
    }

    fn poll(&mut self) -> bool {
        let now = Instant::from_micros(self.now as i64);
        let polled = self.interface.poll(now, &mut self.cable, &mut self.sockets);
        polled == PollResult::SocketStateChanged
    }

    /// Returns the time at which a peer has work even if no frame arrives, or `None` if there is no such time.
    pub(super) fn next(&mut self, now: u64) -> Option<u64> {
        let at = self.interface.poll_at(Instant::from_micros(now as i64), &self.sockets)?;
        Some(at.total_micros() as u64)
    }

    pub(super) fn listening_peer(&mut self, port: u16) -> PeerConn {
        let mut socket = host::socket(BUFFER, BUFFER);
        socket.listen(port).expect("a fresh socket");
        self.add(socket, true)
    }

    pub(super) fn connect(&mut self, device: SocketAddr, window: usize) -> PeerConn {
        let mut socket = host::socket(window, BUFFER);
        let port = 40_000 + self.peers.len() as u16;
        socket.connect(self.interface.context(), device, port).expect("a fresh socket");
        self.add(socket, false)
    }

    pub(super) fn read(&mut self, peer: PeerConn) {
        self.peers[peer].is_reading = true;
    }

    pub(super) fn send(&mut self, peer: PeerConn, bytes: &[u8]) {
        assert_eq!(self.socket(peer).send_slice(bytes), Ok(bytes.len()));
    }

    pub(super) fn finish(&mut self, peer: PeerConn) {
        self.socket(peer).close();
    }

    pub(super) fn close(&mut self, peer: PeerConn) {
        self.peers[peer].is_closed = true;
        self.finish(peer);
    }

    pub(super) fn reset(&mut self, peer: PeerConn) {
        self.socket(peer).abort();
    }

    pub(super) fn received(&self, peer: PeerConn) -> Received {
        self.peers[peer].received.clone()
    }

    pub(super) fn bind(&mut self, port: u16) -> PeerSocket {
        let buffer =
            || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; 64], vec![0; BUFFER]);
        let mut socket = udp::Socket::new(buffer(), buffer());
        socket.bind(port).expect("a fresh socket");
        self.udp_peers.push(self.sockets.add(socket));
        self.udp_peers.len() - 1
    }

    pub(super) fn send_datagram(&mut self, peer: PeerSocket, device: SocketAddr, bytes: &[u8]) {
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(self.udp_peers[peer]);
        socket.send_slice(bytes, device).expect("there is room");
    }

    pub(super) fn datagrams(&mut self, peer: PeerSocket) -> Vec<Vec<u8>> {
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(self.udp_peers[peer]);
        let mut datagrams = Vec::new();
        while let Ok((data, _)) = socket.recv() {
            datagrams.push(data.to_vec());
        }
        datagrams
    }

    fn socket(&mut self, peer: PeerConn) -> &mut Socket<'static> {
        self.sockets.get_mut(self.peers[peer].socket)
    }

    fn add(&mut self, socket: Socket<'static>, is_reading: bool) -> PeerConn {
        let socket = self.sockets.add(socket);
        self.peers.push(Peer {
            socket,
            is_reading,
            is_closed: false,
            received: Received::default(),
        });
        self.peers.len() - 1
    }
}

impl Peer {
    /// Reads the data that has arrived, if the peer reads.
    fn receive(&mut self, socket: &mut Socket<'static>) {
        if self.is_closed && socket.can_recv() {
            socket.abort();
        }
        if !self.is_reading || self.is_closed || self.received.ending.is_some() {
            return;
        }
        while socket.can_recv() {
            let part = socket.recv(|part| (part.len(), part.to_vec()));
            self.received.bytes.extend(part.expect("there is something"));
        }
        self.received.ending = match socket.state() {
            State::CloseWait | State::Closing | State::LastAck | State::TimeWait => {
                Some(Ending::End)
            }
            State::Closed => Some(Ending::Reset),
            _ => None,
        };
    }
}
