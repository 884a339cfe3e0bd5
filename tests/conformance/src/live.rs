//! The harness (the application and its peers) on real sockets. The peers are sockets of `std` on the loopback network.

mod peer;
mod watchdog;

use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket as Datagrams};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use picoevent::{End, Listener, Run, UdpSocket};
use picoevent_mio::Live;
use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket, sockopt};

use crate::App;
use crate::harness::{Base, Harness, PeerConn, PeerSocket, Received, Sizes, base_of};
use peer::Peer;

/// The number of harnesses that the program has made over IPv4. Each harness gets a separate loopback address.
static STAGES: AtomicU16 = AtomicU16::new(0);

/// Returns a loopback address that no other harness of this program uses. The port is 0, so the system chooses a port.
/// No other harness uses the address, so a port that this harness has released stays free.
fn own_host() -> SocketAddr {
    let [high, low] = STAGES.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    SocketAddr::from(([127, 1, high, low], 0))
}

/// The harness over `picoevent-mio`, over IPv4 or over IPv6.
pub struct LiveHarness<const V6: bool = false> {
    host: SocketAddr,
    live: Live,
    base: Base,
    app: App,
    peers: Vec<Peer>,
    /// Listeners that never accept, each with the connection that fills its backlog. The system drops further SYNs to
    /// these listeners.
    silent: Vec<(TcpListener, TcpStream)>,
    udp_peers: Vec<Datagrams>,
    /// Sockets that are bound to a port and do not listen.
    closed: Vec<OwnedFd>,
}

impl<const V6: bool> LiveHarness<V6> {
    fn family(&self) -> AddressFamily {
        if V6 { AddressFamily::INET6 } else { AddressFamily::INET }
    }
}

impl<const V6: bool> Harness for LiveHarness<V6> {
    const STEP: Duration = Duration::from_millis(1);
    const LIMIT: Duration = Duration::from_secs(60);

    fn new(sizes: Sizes) -> Self {
        let (base, app) = base_of(sizes);
        Self {
            // IPv6 has only one loopback address, so all harnesses over IPv6 use the same address. `closed_address`
            // keeps a socket that is bound to the returned port, so that no other harness can listen on this port.
            host: if V6 { (Ipv6Addr::LOCALHOST, 0).into() } else { own_host() },
            live: Live::new().expect("a selector"),
            base,
            app,
            peers: Vec::new(),
            silent: Vec::new(),
            udp_peers: Vec::new(),
            closed: Vec::new(),
        }
    }

    fn parts(&mut self) -> (&mut Base, &mut App) {
        (&mut self.base, &mut self.app)
    }

    fn run(&mut self, mode: Run) -> End {
        let Self { live, base, app, .. } = self;
        watchdog::watched(|| live.run_with(base, app, mode)).expect("the selector works")
    }

    fn close_all(&mut self) {
        let Self { live, base, .. } = self;
        watchdog::watched(|| live.close(base)).expect("the selector works");
    }

    fn free_address(&mut self) -> SocketAddr {
        self.host
    }

    fn own_address(&self) -> IpAddr {
        self.host.ip()
    }

    fn address_of(&mut self, listener: Listener) -> SocketAddr {
        self.live.local_addr(listener).expect("it listens")
    }

    fn closed_address(&mut self) -> SocketAddr {
        let closed = socket(self.family(), SocketType::STREAM, None).expect("a descriptor");
        bind(&closed, &self.host).expect("a port is free");
        let address = getsockname(&closed).expect("it is bound").try_into();
        self.closed.push(closed);
        address.expect("it is of IP")
    }

    /// Returns the address of a listener whose backlog is full: the system drops further SYNs.
    fn silent_address(&mut self) -> SocketAddr {
        let listener = TcpListener::bind(self.host).expect("a port is free");
        listen(&listener, 0).expect("it listens already");
        let address = listener.local_addr().expect("it is bound");
        let first = TcpStream::connect(address).expect("there is room for one");
        self.silent.push((listener, first));
        address
    }

    fn listening_peer(&mut self) -> (SocketAddr, PeerConn) {
        let listener = TcpListener::bind(self.host).expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        self.peers.push(Peer::listening(listener));
        (address, self.peers.len() - 1)
    }

    fn connect_peer_unread(&mut self, device: SocketAddr, window: usize) -> PeerConn {
        let client = socket(self.family(), SocketType::STREAM, None).expect("a descriptor");
        sockopt::set_socket_recv_buffer_size(&client, window).expect("a size");
        let connected = rustix::net::connect(&client, &device);
        self.peers.push(Peer::client(connected.map(|()| client.into())));
        self.peers.len() - 1
    }

    fn read(&mut self, peer: PeerConn) {
        self.peers[peer].read();
    }

    fn send(&mut self, peer: PeerConn, bytes: &[u8]) {
        self.peers[peer].send(bytes);
    }

    fn finish(&mut self, peer: PeerConn) {
        self.peers[peer].finish();
    }

    fn close(&mut self, peer: PeerConn) {
        self.peers[peer].close();
    }

    fn reset(&mut self, peer: PeerConn) {
        self.peers[peer].reset();
    }

    fn received(&mut self, peer: PeerConn) -> Received {
        self.peers[peer].received()
    }

    fn udp_address_of(&mut self, socket: UdpSocket) -> SocketAddr {
        self.live.udp_local_addr(socket).expect("it is bound")
    }

    fn bind_peer_socket(&mut self) -> (SocketAddr, PeerSocket) {
        let host = Datagrams::bind(self.host).expect("a port is free");
        host.set_nonblocking(true).expect("a socket need not block");
        self.udp_peers.push(host);
        let address = self.udp_peers.last().map(Datagrams::local_addr);
        (address.expect("it was added").expect("it is bound"), self.udp_peers.len() - 1)
    }

    fn send_datagram(&mut self, peer: PeerSocket, device: SocketAddr, bytes: &[u8]) {
        self.udp_peers[peer].send_to(bytes, device).expect("the loopback network takes it");
    }

    fn datagrams(&mut self, peer: PeerSocket) -> Vec<Vec<u8>> {
        let mut buffer = [0; 2048];
        let next =
            || self.udp_peers[peer].recv(&mut buffer).map(|length| buffer[..length].to_vec()).ok();
        std::iter::from_fn(next).collect()
    }
}
