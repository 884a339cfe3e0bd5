//! The trait that scenarios use, and the code that all harnesses share.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use picoevent::memory::StaticSlot;
use picoevent::{
    ConnEvent, ConnMut, End, EventBase, Listener, Pool, Run, UdpMut, UdpRings, UdpSocket,
};
use picoevent_mio::{Capacities, HeapStorage};

use crate::App;

/// The base of a harness. Its memory is leaked, since a test does not live long.
pub type Base = EventBase<'static, App>;

/// A connection, from the peer's side.
pub type PeerConn = usize;

/// The sizes of the tables and rings of a base.
#[derive(Clone, Copy)]
pub struct Sizes {
    /// The number of connections of the first pool, without the spare connections.
    pub conns: u16,
    /// The number of spare connections of the first pool. A spare connection serves a client when all other connections
    /// of this pool are in use.
    pub spare: u16,
    /// The number of connections of the second pool.
    pub others: u16,
    /// The size of each ring, in bytes.
    pub ring: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { conns: 4, spare: 0, others: 0, ring: 256 }
    }
}

/// The number of UDP sockets of a base.
pub const UDP: usize = 2;

/// The rings of each UDP socket.
pub const RINGS: UdpRings = UdpRings::new(256, 256);

/// A UDP socket of a peer.
pub type PeerSocket = usize;

/// What a peer has received on a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// All bytes that the peer has read.
    pub bytes: Vec<u8>,
    /// How the stream ended, if it has ended.
    pub ending: Option<Ending>,
}

/// How the device's stream ends for the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By an orderly end of the stream.
    End,
    /// By a reset, or because there is no listener.
    Reset,
}

/// Makes a base and its application. A closed connection has an hour to deliver its output. After the delivery, the
/// peer has 50 ms to end its own stream.
///
/// # Panics
/// When the sizes are impossible.
pub fn base_of(sizes: Sizes) -> (Base, App) {
    let Sizes { conns, spare, others, ring } = sizes;
    let pools =
        [Pool::new(conns).spare(spare), Pool::new(others)].map(|pool| pool.rings(ring, ring));
    let all = Capacities::of(&pools);
    let bytes = all.bytes + UDP * RINGS.bytes();
    let capacities = Capacities { events: 8, bytes, udp: UDP, ..all };
    let storage = Box::leak(Box::new(HeapStorage::new(capacities).expect("possible sizes")));
    let mut base = EventBase::over(storage.memory());
    base.set_close_limits(Duration::from_secs(3600), Duration::from_millis(50));
    let statics = Box::leak(Box::new([StaticSlot::new(); 4]));
    base.set_static_slots(statics).expect("it has none yet");
    let pools = base.add_pools(pools).expect("they are what the storage has room for");
    (base, App::new(pools.into()))
}

/// The application on a back end, and its peers. The device sees the actions of the peers when the loop runs.
pub trait Harness: Sized {
    /// The time that [`step`](Harness::step) lets pass.
    const STEP: Duration;

    /// The time limit for an expected result. If the result takes longer, the scenario fails.
    const LIMIT: Duration;

    /// Makes a harness without listeners and connections.
    fn new(sizes: Sizes) -> Self;

    /// Returns the base and the application.
    fn parts(&mut self) -> (&mut Base, &mut App);

    /// Runs the loop until it ends.
    fn run(&mut self, mode: Run) -> End;

    /// Frees every listener, closes every connection, and waits until all output is delivered.
    fn close_all(&mut self);

    /// Returns an address that can be listened on.
    fn free_address(&mut self) -> SocketAddr;

    /// Returns the IP address at which peers reach the device.
    fn own_address(&self) -> IpAddr;

    /// Returns the address at which peers reach a listener.
    fn address_of(&mut self, listener: Listener) -> SocketAddr;

    /// Returns an address without a listener.
    fn closed_address(&mut self) -> SocketAddr;

    /// Returns an address that never answers.
    fn silent_address(&mut self) -> SocketAddr;

    /// Makes a peer that listens for one connection of the device, and reads from this connection. Returns the peer's
    /// address, and the peer's end of the connection.
    fn listening_peer(&mut self) -> (SocketAddr, PeerConn);

    /// Connects a peer to the device. The peer's receive buffer has about `window` bytes. The peer does not read before
    /// [`Harness::read`] is called.
    fn connect_peer_unread(&mut self, device: SocketAddr, window: usize) -> PeerConn;

    /// Lets a peer read all data from now on.
    fn read(&mut self, peer: PeerConn);

    /// Lets a peer send `bytes`. There may be at most a few hundred bytes.
    fn send(&mut self, peer: PeerConn, bytes: &[u8]);

    /// Ends a peer's stream. The peer still reads.
    fn finish(&mut self, peer: PeerConn);

    /// Closes a peer's connection in both directions. After that, if the device sends data, the peer answers with a
    /// reset.
    fn close(&mut self, peer: PeerConn);

    /// Lets a peer reset its connection.
    fn reset(&mut self, peer: PeerConn);

    /// Returns everything that a peer has received so far.
    fn received(&mut self, peer: PeerConn) -> Received;

    /// Returns the address at which peers reach a bound UDP socket.
    fn udp_address_of(&mut self, socket: UdpSocket) -> SocketAddr;

    /// Makes a UDP socket of a peer. Returns the address of the socket, and the socket.
    fn bind_peer_socket(&mut self) -> (SocketAddr, PeerSocket);

    /// Lets a peer send a datagram to the device.
    fn send_datagram(&mut self, peer: PeerSocket, device: SocketAddr, bytes: &[u8]);

    /// Returns all datagrams that a peer has received since the last call.
    fn datagrams(&mut self, peer: PeerSocket) -> Vec<Vec<u8>>;

    /// Returns the application's UDP socket with this index in `App::sockets`.
    fn udp(&mut self, number: usize) -> UdpMut<'_, 'static, App> {
        let (base, app) = self.parts();
        base.udp(app.sockets[number]).expect("the application has not closed it")
    }

    /// Returns the base.
    fn base(&mut self) -> &mut Base {
        self.parts().0
    }

    /// Returns the application.
    fn app(&mut self) -> &mut App {
        self.parts().1
    }

    /// Returns the application's connection with this index in `App::conns`.
    fn conn(&mut self, number: usize) -> ConnMut<'_, 'static, App> {
        let (base, app) = self.parts();
        base.conn(app.conns[number]).expect("the application holds it")
    }

    /// Sets what the application does in each callback of a connection.
    fn react(
        &mut self,
        reaction: impl Fn(&mut App, &mut ConnMut<'_, '_, App>, ConnEvent) + 'static,
    ) {
        self.app().reaction = Rc::new(reaction);
    }

    /// Lets the device listen. Returns the listener and the address at which peers reach it.
    fn listen(&mut self) -> (Listener, SocketAddr) {
        let address = self.free_address();
        let (base, app) = self.parts();
        let listener = app.listen(base, address);
        self.step();
        (listener, self.address_of(listener))
    }

    /// Lets the device connect to `address`.
    fn connect(&mut self, address: SocketAddr) {
        let (base, app) = self.parts();
        app.connect(base, address).expect("there is room");
    }

    /// Connects a peer to the device. The peer reads all data.
    fn connect_peer(&mut self, device: SocketAddr) -> PeerConn {
        let peer = self.connect_peer_unread(device, 65_535);
        self.read(peer);
        peer
    }

    /// Lets the device listen, and connects a peer. The accepted connection must be the first connection of the
    /// application.
    fn accepted_peer(&mut self) -> PeerConn {
        let (_, address) = self.listen();
        let peer = self.connect_peer(address);
        self.expect(["0 accepted"]);
        peer
    }

    /// Runs the loop for a time.
    fn pass(&mut self, time: Duration) {
        self.base().exit_after(time);
        assert_eq!(self.run(Run::DEFAULT), End::Exit);
    }

    /// Runs the loop for the time [`STEP`](Harness::STEP).
    fn step(&mut self) {
        self.pass(Self::STEP);
    }

    /// Runs the loop until `holds` returns `true`. Returns `false` if `holds` has not returned `true` within
    /// [`LIMIT`](Harness::LIMIT).
    fn until(&mut self, mut holds: impl FnMut(&mut Self) -> bool) -> bool {
        let limit = self.base().now().after(Self::LIMIT);
        while !holds(self) {
            if self.base().now() >= limit {
                return false;
            }
            self.step();
        }
        true
    }

    /// Runs the loop until these callbacks were called, and then for one more step. No other callback may be called.
    fn expect<const N: usize>(&mut self, callbacks: [&str; N]) {
        self.until(|harness| {
            let log = &harness.app().log;
            *log == callbacks || log.len() > N
        });
        self.step();
        assert_eq!(core::mem::take(&mut self.app().log), callbacks);
    }

    /// Runs the loop until everything that the peer has received equals `bytes` and `ending`, and then for one more
    /// step.
    fn expect_received(&mut self, peer: PeerConn, bytes: impl AsRef<[u8]>, ending: Option<Ending>) {
        let wanted = Received { bytes: bytes.as_ref().to_vec(), ending };
        self.until(|harness| harness.received(peer) == wanted);
        self.step();
        assert_eq!(self.received(peer), wanted);
    }

    /// Runs the loop until the peer's connection is reset. Bytes that were sent before the reset may be lost.
    fn expect_reset(&mut self, peer: PeerConn) {
        self.until(|harness| harness.received(peer).ending.is_some());
        assert_eq!(self.received(peer).ending, Some(Ending::Reset));
    }

    /// Runs the loop until `amount` slots of connections are in use.
    fn expect_conns(&mut self, amount: usize) {
        self.until(|harness| harness.base().counts().conns == amount);
        assert_eq!(self.base().counts().conns, amount);
    }

    /// Writes to a connection until neither the stack nor the ring has room.
    fn flood(&mut self, number: usize) {
        self.react(|app, conn, event| {
            if event == ConnEvent::Writable {
                app.flood(conn);
            }
        });
        let (base, app) = self.parts();
        let conn = app.conns[number];
        app.flood(&mut base.conn(conn).expect("the application holds it"));
        let mut before = 0;
        assert!(self.until(|harness| {
            let flooded = harness.app().flooded;
            core::mem::replace(&mut before, flooded) == flooded
        }));
    }

    /// Ends the scenario. Checks that no unexpected callback was called. Frees all listeners and connections, and
    /// checks that the loop then returns [`End::Empty`]. Also checks that every connection has ended as often as it has
    /// begun.
    fn end(mut self) {
        let (base, app) = self.parts();
        for listener in core::mem::take(&mut app.listeners) {
            if let Ok(mut listener) = base.listener(listener) {
                listener.free();
            }
        }
        app.reaction = Rc::new(|_, _, _| {});
        assert_eq!(app.log, [""; 0]);
        let mut ended = Vec::new();
        for (number, conn) in app.conns.iter().enumerate() {
            if let Ok(mut conn) = base.conn(*conn) {
                ended.push(format!("{number} Ended(Aborted)"));
                conn.abort();
            }
        }
        self.expect_conns(0);
        assert_eq!(self.run(Run::DEFAULT), End::Empty);
        assert_eq!(self.base().counts().listeners, 0);
        assert_eq!(self.app().log, ended);
        self.app().assert_all_ended();
    }
}
