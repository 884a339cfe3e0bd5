//! The peer: a plain smoltcp interface whose sockets the test controls.

use std::cell::RefCell;
use std::net::Ipv4Addr;
use std::rc::Rc;

use picoevent_sim_support::net::{PeerEnd, host};
use smoltcp::iface::{Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket, State};
#[cfg(feature = "udp")]
use smoltcp::socket::udp;
use smoltcp::time::Instant;

use super::cable::{Cable, PEER};

/// The size of a socket's send buffer.
const OUTPUT: usize = 65_536;

pub struct Peer {
    cable: PeerEnd<Rc<RefCell<Cable>>>,
    interface: Interface,
    sockets: SocketSet<'static>,
    next_port: u16,
    now: Instant,
}

/// A socket of the peer.
pub type PeerSocket = SocketHandle;

impl Peer {
    pub fn new(cable: &Rc<RefCell<Cable>>) -> Self {
        let mut cable = PeerEnd(cable.clone());
        let interface = host::interface(&mut cable, PEER, Some(super::PEER), 0);
        let sockets = SocketSet::new(Vec::new());
        Self { cable, interface, sockets, next_port: 40_000, now: Instant::ZERO }
    }

    /// Polls the interface. Returns whether anything happened.
    pub fn poll(&mut self, now: u64) -> bool {
        self.now = Instant::from_micros(now as i64);
        let before = self.cable.0.borrow().frames;
        let result = self.interface.poll(self.now, &mut self.cable, &mut self.sockets);
        result == smoltcp::iface::PollResult::SocketStateChanged
            || self.cable.0.borrow().frames != before
    }

    pub fn poll_at(&mut self, now: u64) -> Option<u64> {
        let now = Instant::from_micros(now as i64);
        let at = self.interface.poll_at(now, &self.sockets)?;
        Some(at.total_micros() as u64)
    }

    pub fn connect(&mut self, address: Ipv4Addr, port: u16) -> PeerSocket {
        self.connect_with_window(address, port, 65_535)
    }

    /// Connects, with a receive window of `window` bytes.
    pub fn connect_with_window(
        &mut self,
        address: Ipv4Addr,
        port: u16,
        window: usize,
    ) -> PeerSocket {
        self.next_port += 1;
        self.open(address, port, self.next_port, window)
    }

    /// Connects from the port `from`.
    pub fn connect_from(&mut self, address: Ipv4Addr, port: u16, from: u16) -> PeerSocket {
        self.open(address, port, from, 65_535)
    }

    fn open(&mut self, address: Ipv4Addr, port: u16, from: u16, window: usize) -> PeerSocket {
        let mut socket = host::socket(window, OUTPUT);
        let to = (address, port);
        socket.connect(self.interface.context(), to, from).expect("a fresh socket");
        self.sockets.add(socket)
    }

    /// Drops the connection without sending anything, like a power failure.
    pub fn drop_silently(&mut self, socket: PeerSocket) {
        self.sockets.remove(socket);
    }

    /// Listens on a port, for a connect of the device.
    pub fn listen(&mut self, port: u16) -> PeerSocket {
        let mut socket = host::socket(65_535, OUTPUT);
        socket.listen(port).expect("a fresh socket");
        self.sockets.add(socket)
    }

    pub fn get(&mut self, socket: PeerSocket) -> &mut Socket<'static> {
        self.sockets.get_mut(socket)
    }

    pub fn state(&mut self, socket: PeerSocket) -> State {
        self.get(socket).state()
    }

    pub fn send(&mut self, socket: PeerSocket, data: &[u8]) {
        assert_eq!(self.get(socket).send_slice(data), Ok(data.len()));
    }

    /// Returns everything that was received.
    pub fn receive(&mut self, socket: PeerSocket) -> Vec<u8> {
        let mut data = Vec::new();
        while self.get(socket).can_recv() {
            let part = self.get(socket).recv(|part| (part.len(), part.to_vec()));
            data.extend(part.expect("there is something"));
        }
        data
    }

    pub fn close(&mut self, socket: PeerSocket) {
        self.get(socket).close();
    }

    pub fn abort(&mut self, socket: PeerSocket) {
        self.get(socket).abort();
    }
}

/// The peer's UDP sockets.
#[cfg(feature = "udp")]
impl Peer {
    /// Binds a UDP socket.
    pub fn bind(&mut self, port: u16) -> PeerSocket {
        let buffer =
            || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; 64], vec![0; 65_536]);
        let mut socket = udp::Socket::new(buffer(), buffer());
        socket.bind(port).expect("a fresh socket");
        self.sockets.add(socket)
    }

    pub fn send_to(&mut self, socket: PeerSocket, to: (Ipv4Addr, u16), data: &[u8]) {
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(socket);
        socket.send_slice(data, to).expect("there is room");
    }

    /// Returns the received datagrams with their source ports.
    pub fn datagrams(&mut self, socket: PeerSocket) -> Vec<(u16, Vec<u8>)> {
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(socket);
        let mut datagrams = Vec::new();
        while let Ok((data, meta)) = socket.recv() {
            datagrams.push((meta.endpoint.port, data.to_vec()));
        }
        datagrams
    }
}
