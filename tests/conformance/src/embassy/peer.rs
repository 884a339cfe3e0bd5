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
use crate::stage::{Call, Ending, Heard, Host};

/// The size of a peer's send buffer, and of the receive buffer of a peer that listens.
const BUFFER: usize = 65_535;

pub(super) struct Peers {
    cable: PeerEnd<Rc<RefCell<Cable>>>,
    interface: Interface,
    sockets: SocketSet<'static>,
    peers: Vec<Peer>,
    hosts: Vec<SocketHandle>,
    now: u64,
}

struct Peer {
    socket: SocketHandle,
    reads: bool,
    /// Whether both directions are closed. Data that arrives is then answered with a reset.
    is_closed: bool,
    heard: Heard,
}

impl Peers {
    pub(super) fn new(cable: Rc<RefCell<Cable>>, v6: bool) -> Self {
        let mut cable = PeerEnd(cable);
        let mut interface = host::interface(&mut cable, Cable::PEER, None, 0);
        let prefix = if v6 { 64 } else { 24 };
        let address = IpCidr::new(host_of(v6, 1).into(), prefix);
        interface.update_ip_addrs(|own| own.push(address).expect("the first address"));
        let sockets = SocketSet::new(Vec::new());
        Self { cable, interface, sockets, peers: Vec::new(), hosts: Vec::new(), now: 0 }
    }

    /// Lets all peers work. Returns whether there was anything to do.
    pub(super) fn work(&mut self, now: u64) -> bool {
        self.now = now;
        let had_frame = self.cable.0.borrow().has_frame_for_peer();
        let polled = self.poll();
        self.peers.iter_mut().for_each(|peer| peer.hear(self.sockets.get_mut(peer.socket)));
        // A peer that has read may have opened its window.
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

    pub(super) fn host(&mut self, port: u16) -> Call {
        let mut socket = host::socket(BUFFER, BUFFER);
        socket.listen(port).expect("a fresh socket");
        self.add(socket, true)
    }

    pub(super) fn call(&mut self, device: SocketAddr, window: usize) -> Call {
        let mut socket = host::socket(window, BUFFER);
        let port = 40_000 + self.peers.len() as u16;
        socket.connect(self.interface.context(), device, port).expect("a fresh socket");
        self.add(socket, false)
    }

    pub(super) fn read(&mut self, call: Call) {
        self.peers[call].reads = true;
    }

    pub(super) fn send(&mut self, call: Call, bytes: &[u8]) {
        assert_eq!(self.socket(call).send_slice(bytes), Ok(bytes.len()));
    }

    pub(super) fn finish(&mut self, call: Call) {
        self.socket(call).close();
    }

    pub(super) fn close(&mut self, call: Call) {
        self.peers[call].is_closed = true;
        self.finish(call);
    }

    pub(super) fn reset(&mut self, call: Call) {
        self.socket(call).abort();
    }

    pub(super) fn heard(&self, call: Call) -> Heard {
        self.peers[call].heard.clone()
    }

    pub(super) fn bind(&mut self, port: u16) -> Host {
        let buffer =
            || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; 64], vec![0; BUFFER]);
        let mut socket = udp::Socket::new(buffer(), buffer());
        socket.bind(port).expect("a fresh socket");
        self.hosts.push(self.sockets.add(socket));
        self.hosts.len() - 1
    }

    pub(super) fn send_datagram(&mut self, host: Host, device: SocketAddr, bytes: &[u8]) {
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(self.hosts[host]);
        socket.send_slice(bytes, device).expect("there is room");
    }

    pub(super) fn datagrams(&mut self, host: Host) -> Vec<Vec<u8>> {
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(self.hosts[host]);
        let mut datagrams = Vec::new();
        while let Ok((data, _)) = socket.recv() {
            datagrams.push(data.to_vec());
        }
        datagrams
    }

    fn socket(&mut self, call: Call) -> &mut Socket<'static> {
        self.sockets.get_mut(self.peers[call].socket)
    }

    fn add(&mut self, socket: Socket<'static>, reads: bool) -> Call {
        let socket = self.sockets.add(socket);
        self.peers.push(Peer { socket, reads, is_closed: false, heard: Heard::default() });
        self.peers.len() - 1
    }
}

impl Peer {
    /// Reads what has arrived, if the peer reads.
    fn hear(&mut self, socket: &mut Socket<'static>) {
        if self.is_closed && socket.can_recv() {
            socket.abort();
        }
        if !self.reads || self.is_closed || self.heard.ending.is_some() {
            return;
        }
        while socket.can_recv() {
            let part = socket.recv(|part| (part.len(), part.to_vec()));
            self.heard.bytes.extend(part.expect("there is something"));
        }
        self.heard.ending = match socket.state() {
            State::CloseWait | State::Closing | State::LastAck | State::TimeWait => {
                Some(Ending::End)
            }
            State::Closed => Some(Ending::Reset),
            _ => None,
        };
    }
}
