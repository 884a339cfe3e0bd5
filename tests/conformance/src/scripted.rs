//! The harness (the application and its peers) on [`Scripted`], the back end of this suite. Its streams are in memory,
//! and its time is virtual.

mod back_end;
mod datagrams;
mod wire;

use std::net::{IpAddr, SocketAddr};
use std::task::Poll;
use std::time::Duration;

use picoevent::{End, Listener, OwnAddress, Run, UdpSocket};

use back_end::OWN;
pub use back_end::Scripted;
pub use wire::Wire;

use crate::App;
use crate::harness::{Base, Harness, PeerConn, PeerSocket, Received, Sizes, base_of};

/// The address that never answers.
const SILENT: ([u8; 4], u16) = ([10, 0, 0, 77], 9);

/// The maximum number of iterations in a run of the loop.
const ITERATIONS: usize = 1_000_000;

/// The harness over [`Scripted`].
pub struct ScriptedHarness {
    back_end: Scripted,
    base: Base,
    app: App,
    /// The port that was chosen last.
    port: u16,
}

impl Harness for ScriptedHarness {
    const STEP: Duration = Duration::from_millis(1);
    const LIMIT: Duration = Duration::from_secs(15);

    fn new(sizes: Sizes) -> Self {
        let (base, app) = base_of(sizes);
        let mut back_end = Scripted::new(SILENT.into());
        let address = OwnAddress { ip: OWN, prefix: 24 };
        back_end.network.set_link_up(true).add_address(address);
        Self { back_end, base, app, port: 1000 }
    }

    fn parts(&mut self) -> (&mut Base, &mut App) {
        (&mut self.base, &mut self.app)
    }

    fn run(&mut self, mode: Run) -> End {
        self.base.begin(mode);
        for _ in 0..ITERATIONS {
            match self.base.iterate(&mut self.app, &mut self.back_end) {
                Poll::Ready(Ok(Some(end))) => return end,
                Poll::Ready(Ok(None)) => {}
                Poll::Pending => panic!("the loop sleeps forever"),
            }
        }
        panic!("the loop does not end");
    }

    fn close_all(&mut self) {
        self.base.close_all();
        for _ in 0..ITERATIONS {
            if self.base.drain(&mut self.back_end).is_ready() {
                return while self.base.end_lingering().is_some() {};
            }
        }
        panic!("the connections are not delivered");
    }

    fn free_address(&mut self) -> SocketAddr {
        self.port += 1;
        (OWN, self.port).into()
    }

    fn own_address(&self) -> IpAddr {
        OWN
    }

    fn address_of(&mut self, listener: Listener) -> SocketAddr {
        self.base.address_of(listener).expect("it was made")
    }

    fn closed_address(&mut self) -> SocketAddr {
        ([10, 0, 0, 1], 9).into()
    }

    fn silent_address(&mut self) -> SocketAddr {
        SILENT.into()
    }

    fn listening_peer(&mut self) -> (SocketAddr, PeerConn) {
        self.port += 1;
        let address = ([10, 0, 0, 1], self.port).into();
        (
            address,
            self.back_end.add(Wire { peer_listens: true, is_reading: true, ..Wire::to(address) }),
        )
    }

    fn connect_peer_unread(&mut self, device: SocketAddr, window: usize) -> PeerConn {
        let is_refused = !self.back_end.is_listening(device);
        let wire = Wire { window, is_device_reset: is_refused, ..Wire::to(device) };
        self.back_end.add(wire)
    }

    fn read(&mut self, peer: PeerConn) {
        self.back_end.wire(peer).is_reading = true;
    }

    fn send(&mut self, peer: PeerConn, bytes: &[u8]) {
        self.back_end.wire(peer).to_device.extend(bytes);
    }

    fn finish(&mut self, peer: PeerConn) {
        self.back_end.wire(peer).is_peer_ended = true;
    }

    fn close(&mut self, peer: PeerConn) {
        let wire = self.back_end.wire(peer);
        (wire.is_peer_ended, wire.is_peer_gone) = (true, true);
    }

    fn reset(&mut self, peer: PeerConn) {
        self.back_end.wire(peer).is_peer_reset = true;
    }

    fn received(&mut self, peer: PeerConn) -> Received {
        self.back_end.wire(peer).receive()
    }

    fn udp_address_of(&mut self, socket: UdpSocket) -> SocketAddr {
        let bound = self.base.udp(socket).expect("it is open").local_addr();
        bound.expect("it is bound")
    }

    fn bind_peer_socket(&mut self) -> (SocketAddr, PeerSocket) {
        self.port += 1;
        let address = ([10, 0, 0, 1], self.port).into();
        (address, self.back_end.datagrams().add_peer_socket(address))
    }

    fn send_datagram(&mut self, peer: PeerSocket, device: SocketAddr, bytes: &[u8]) {
        self.back_end.datagrams().send(peer, device, bytes);
    }

    fn datagrams(&mut self, peer: PeerSocket) -> Vec<Vec<u8>> {
        self.back_end.datagrams().take(peer)
    }
}
