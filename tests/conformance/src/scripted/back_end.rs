//! A back end that is as small as possible. It keeps connections, listeners, UDP sockets and time in memory.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::task::Poll;

use picoevent::{
    Action, Backend, Conn, ConnError, EventBase, Instant, ListenError, Listener, Network,
};

use super::datagrams::Datagrams;
use super::wire::Wire;
use crate::harness::PeerConn;

/// The device's address.
pub(super) const OWN: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

/// A back end whose network is a list of [wires](Wire). Time jumps to each deadline.
pub struct Scripted {
    now: Instant,
    /// The listeners, their addresses, and whether each listener is enabled.
    listeners: Vec<(Listener, SocketAddr, bool)>,
    wires: Vec<Wire>,
    datagrams: Datagrams,
    /// The state of the network, which is reported to the base.
    pub network: Network,
    /// An address that does not answer connects.
    silent: SocketAddr,
    /// Whether something may have changed since the last `report`, so that the next `report` must report it.
    has_reports: bool,
}

impl Scripted {
    /// Makes a back end whose network has no connections. Connects to `silent` get no answer.
    pub fn new(silent: SocketAddr) -> Self {
        Self {
            now: Instant::ZERO,
            listeners: Vec::new(),
            wires: Vec::new(),
            datagrams: Datagrams::default(),
            network: Network::new(),
            silent,
            has_reports: true,
        }
    }

    /// Adds a peer's connection.
    pub fn add(&mut self, wire: Wire) -> PeerConn {
        self.has_reports = true;
        self.wires.push(wire);
        self.wires.len() - 1
    }

    /// Returns a peer's connection, so that the caller can change it.
    pub fn wire(&mut self, peer: PeerConn) -> &mut Wire {
        self.has_reports = true;
        &mut self.wires[peer]
    }

    /// Returns the UDP sockets, so that the caller can change them.
    pub(crate) fn datagrams(&mut self) -> &mut Datagrams {
        self.has_reports = true;
        &mut self.datagrams
    }

    /// Returns whether a listener has the address.
    pub fn is_listening(&self, address: SocketAddr) -> bool {
        self.listeners.iter().any(|(_, of, _)| listens_on(*of, address))
    }

    fn listen(&mut self, listener: Listener, address: SocketAddr) -> Result<(), ListenError> {
        match self.listeners.iter_mut().find(|(_, of, _)| *of == address) {
            Some((held, _, enabled)) if *held == listener => *enabled = true,
            Some(_) => return Err(ListenError::InUse),
            None => self.listeners.push((listener, address, true)),
        }
        Ok(())
    }

    fn connect(&mut self, conn: Conn, peer: SocketAddr) -> Result<(), ConnError> {
        let peer_listens =
            |wire: &&mut Wire| wire.peer_listens && wire.to == peer && wire.conn.is_none();
        match self.wires.iter_mut().find(peer_listens) {
            Some(wire) => (wire.conn, wire.is_connecting) = (Some(conn), true),
            None if peer == self.silent => {}
            None => return Err(ConnError::Refused),
        }
        Ok(())
    }

    fn unlisten(&mut self, listener: Listener) {
        let Some(index) = self.listeners.iter().position(|(of, ..)| *of == listener) else {
            return;
        };
        let (_, address, _) = self.listeners.remove(index);
        let waits = |wire: &&mut Wire| listens_on(address, wire.to) && wire.conn.is_none();
        self.wires.iter_mut().filter(waits).for_each(|wire| wire.is_device_reset = true);
    }

    fn wire_of(&mut self, conn: Conn) -> Option<&mut Wire> {
        self.wires.iter_mut().find(|wire| wire.conn == Some(conn))
    }
}

/// Returns whether a client that connects to `address` reaches a listener on the address `listener`.
fn listens_on(listener: SocketAddr, address: SocketAddr) -> bool {
    let is_own = listener.ip() == address.ip() || listener.ip().is_unspecified();
    is_own && listener.port() == address.port()
}

impl<A> Backend<A> for Scripted {
    type Error = Infallible;

    fn now(&mut self) -> Instant {
        self.now
    }

    fn act(&mut self, action: Action, base: &mut EventBase<'_, A>) -> Result<(), Infallible> {
        self.has_reports = true;
        match action {
            Action::Listen(listener) => {
                let address = base.address_of(listener);
                let listens = address.map(|address| self.listen(listener, address));
                if let Some(Err(error)) = listens {
                    base.listen_failed(listener, error);
                }
            }
            Action::Ignore(listener) => {
                let of = self.listeners.iter_mut().filter(|(of, ..)| *of == listener);
                of.for_each(|(.., enabled)| *enabled = false);
            }
            Action::Unlisten(listener) => self.unlisten(listener),
            Action::Connect(conn) => {
                let peer = base.peer_of(conn);
                if let Some(Err(error)) = peer.map(|peer| self.connect(conn, peer)) {
                    base.failed(conn, error);
                }
            }
            Action::End(conn) => {
                // The base requests the end of the stream after all output was sent. Sent output is already in the
                // peer's window. So the output and the end of the stream are delivered now.
                self.wire_of(conn).into_iter().for_each(|wire| wire.is_device_ended = true);
                base.delivered(conn);
            }
            Action::Close(conn) | Action::Reset(conn) => {
                if let Some(wire) = self.wire_of(conn) {
                    wire.conn = None;
                    wire.is_device_reset |= action == Action::Reset(conn);
                }
            }
            // The next `report` moves the bytes.
            Action::Receive(_) | Action::Send(_) | Action::Tune(..) => {}
            Action::Udp(socket, action) => self.datagrams.act(socket, action, base),
            // There are no sources, and signals come through triggers.
            Action::Interest(..) | Action::Forget(_) | Action::Catch(_) | Action::Release(_) => {}
        }
        Ok(())
    }

    fn deadline(&mut self, _: &mut EventBase<'_, A>) -> Instant {
        if self.has_reports { Instant::ZERO } else { Instant::MAX }
    }

    fn wait(&mut self, until: Instant, _: &mut EventBase<'_, A>) -> Poll<Result<(), Infallible>> {
        if until == Instant::MAX {
            return Poll::Pending;
        }
        self.now = self.now.max(until);
        Poll::Ready(Ok(()))
    }

    fn report(&mut self, base: &mut EventBase<'_, A>) {
        self.has_reports = false;
        base.network_is(&self.network);
        self.datagrams.report(base);
        for wire in &mut self.wires {
            let is_over = wire.is_peer_reset || wire.is_device_reset || wire.is_device_ended;
            let is_new = wire.conn.is_none() && !is_over;
            let mut listeners = self.listeners.iter();
            if is_new
                && let Some(found) =
                    listeners.find(|(_, of, enabled)| listens_on(*of, wire.to) && *enabled)
                && base.has_room(found.0)
            {
                wire.conn = base.accepted(found.0, ([10, 0, 0, 1], 40_000).into()).ok();
                wire.conn.into_iter().for_each(|conn| base.local_is(conn, || Some(wire.to)));
            }
            wire.move_bytes(base);
        }
    }
}
