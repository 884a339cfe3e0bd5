//! The stage on embassy-net in virtual time. Peers are sockets of a plain smoltcp interface.

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
use crate::stage::{Base, Call, Heard, Host, Sizes, Stage, UDP, base_of};
use network::{Network, SOCKETS, host};

/// The stage over `picoevent-embassy`, on a network of IPv4 or of IPv6.
pub struct EmbassyStage<const V6: bool = false> {
    adapter: Adapter<'static, SOCKETS, UDP>,
    base: Base,
    app: App,
    network: Network,
    /// The port that was given out last.
    port: u16,
}

impl<const V6: bool> Stage for EmbassyStage<V6> {
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

    fn host(&mut self) -> (SocketAddr, Call) {
        self.port += 1;
        ((host(V6, 1), self.port).into(), self.network.peers.host(self.port))
    }

    fn call_unread(&mut self, device: SocketAddr, window: usize) -> Call {
        let call = self.network.peers.call(device, window);
        // The handshake needs no turn of the loop.
        self.network.settle();
        call
    }

    fn read(&mut self, call: Call) {
        self.network.peers.read(call);
        self.network.settle();
    }

    fn send(&mut self, call: Call, bytes: &[u8]) {
        self.network.peers.send(call, bytes);
        self.network.settle();
    }

    fn finish(&mut self, call: Call) {
        self.network.peers.finish(call);
        self.network.settle();
    }

    fn close(&mut self, call: Call) {
        self.network.peers.close(call);
        self.network.settle();
    }

    fn reset(&mut self, call: Call) {
        self.network.peers.reset(call);
        self.network.settle();
    }

    fn heard(&mut self, call: Call) -> Heard {
        self.network.peers.heard(call)
    }

    fn udp_address_of(&mut self, socket: UdpSocket) -> SocketAddr {
        let bound = self.base.udp(socket).expect("it is open").local_addr();
        (host(V6, 2), bound.expect("it is bound").port()).into()
    }

    fn bind_host(&mut self) -> (SocketAddr, Host) {
        self.port += 1;
        ((host(V6, 1), self.port).into(), self.network.peers.bind(self.port))
    }

    fn send_datagram(&mut self, host: Host, device: SocketAddr, bytes: &[u8]) {
        self.network.peers.send_datagram(host, device, bytes);
        self.network.settle();
    }

    fn datagrams(&mut self, host: Host) -> Vec<Vec<u8>> {
        self.network.peers.datagrams(host)
    }
}
