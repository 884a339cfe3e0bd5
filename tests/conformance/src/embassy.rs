//! The harness (the application and its peers) on embassy-net, in virtual time. The peers are sockets of a separate
//! smoltcp interface.

mod cable;
#[path = "../../../hal-embassy/tests/adapter/world/clock.rs"]
mod clock;
mod network;
mod peer;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use picoevent::{End, Listener, Run, UdpSocket};
use picoevent_embassy::{Adapter, Config, Sockets, UdpSockets};

use crate::App;
use crate::harness::{Base, Harness, PeerConn, PeerSocket, Received, Sizes, UDP, base_of};
use network::{Network, SOCKETS, host};

/// The harness over `picoevent-embassy`, on a network of IPv4 or of IPv6.
pub struct EmbassyHarness<const V6: bool = false> {
    adapter: Adapter<'static, SOCKETS, UDP>,
    base: Base,
    app: App,
    network: Network,
    /// The port that was chosen last.
    port: u16,
}

impl<const V6: bool> Harness for EmbassyHarness<V6> {
    const STEP: Duration = Duration::from_millis(20);
    const LIMIT: Duration = Duration::from_secs(15);

    fn new(sizes: Sizes) -> Self {
        let (base, app) = base_of(sizes);
        let (network, stack) = Network::new(V6);
        let sockets = Box::leak(Box::new(Sockets::<SOCKETS, 512, 512>::new()));
        let udp = Box::leak(Box::new(UdpSockets::<UDP, 2048, 512>::new()));
        Self {
            adapter: Adapter::new(stack, sockets, &[], Config::default()).with_udp(udp),
            base,
            app,
            network,
            port: 1000,
        }
    }

    fn parts(&mut self) -> (&mut Base, &mut App) {
        (&mut self.base, &mut self.app)
    }

    fn run(&mut self, mode: Run) -> End {
        let Self { adapter, base, app, network, .. } = self;
        network.drive(adapter.run(base, app, mode))
    }

    fn close_all(&mut self) {
        let Self { adapter, base, network, .. } = self;
        network.drive(adapter.close(base));
    }

    fn free_address(&mut self) -> SocketAddr {
        self.port += 1;
        match V6 {
            true => (Ipv6Addr::UNSPECIFIED, self.port).into(),
            false => (Ipv4Addr::UNSPECIFIED, self.port).into(),
        }
    }

    fn own_address(&self) -> IpAddr {
        host(V6, 2)
    }

    fn address_of(&mut self, listener: Listener) -> SocketAddr {
        let address = self.base.address_of(listener).expect("it was made");
        (host(V6, 2), address.port()).into()
    }

    fn closed_address(&mut self) -> SocketAddr {
        (host(V6, 1), 9).into()
    }

    fn silent_address(&mut self) -> SocketAddr {
        (host(V6, 77), 9).into()
    }

    fn listening_peer(&mut self) -> (SocketAddr, PeerConn) {
        self.port += 1;
        ((host(V6, 1), self.port).into(), self.network.peers.listening_peer(self.port))
    }

    fn connect_peer_unread(&mut self, device: SocketAddr, window: usize) -> PeerConn {
        let peer = self.network.peers.connect(device, window);
        // The handshake needs no iteration of the loop.
        self.network.settle();
        peer
    }

    fn read(&mut self, peer: PeerConn) {
        self.network.peers.read(peer);
        self.network.settle();
    }

    fn send(&mut self, peer: PeerConn, bytes: &[u8]) {
        self.network.peers.send(peer, bytes);
        self.network.settle();
    }

    fn finish(&mut self, peer: PeerConn) {
        self.network.peers.finish(peer);
        self.network.settle();
    }

    fn close(&mut self, peer: PeerConn) {
        self.network.peers.close(peer);
        self.network.settle();
    }

    fn reset(&mut self, peer: PeerConn) {
        self.network.peers.reset(peer);
        self.network.settle();
    }

    fn received(&mut self, peer: PeerConn) -> Received {
        self.network.peers.received(peer)
    }

    fn udp_address_of(&mut self, socket: UdpSocket) -> SocketAddr {
        let bound = self.base.udp(socket).expect("it is open").local_addr();
        (host(V6, 2), bound.expect("it is bound").port()).into()
    }

    fn bind_peer_socket(&mut self) -> (SocketAddr, PeerSocket) {
        self.port += 1;
        ((host(V6, 1), self.port).into(), self.network.peers.bind(self.port))
    }

    fn send_datagram(&mut self, peer: PeerSocket, device: SocketAddr, bytes: &[u8]) {
        self.network.peers.send_datagram(peer, device, bytes);
        self.network.settle();
    }

    fn datagrams(&mut self, peer: PeerSocket) -> Vec<Vec<u8>> {
        self.network.peers.datagrams(peer)
    }
}
