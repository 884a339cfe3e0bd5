//! UDP sockets.
//!
//! As with [streams](super::stream), the selector reports only changes, so the state of each socket is kept here. The
//! length of a datagram is known only after the datagram is taken from the system. So each datagram is received into a
//! buffer, and copied into the ring of its socket. If the datagram does not fit, it waits in [`Bound::waiting`]. When
//! the ring has room, the waiting datagram is copied first. So this module drops no datagram. The system drops
//! datagrams that do not fit into its buffer.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use mio::event::Event;
use mio::net::UdpSocket as Socket;
use mio::{Interest, Registry};
use picoevent::{EventBase, UdpError, UdpRequest, UdpSocket};

use super::errno;
use super::listeners::copy_of;
use super::token::Object;

/// The size of the longest datagram, plus one byte.
const BUFFER: usize = 1 << 16;

/// The largest number of errors that are taken from a socket at once. Each error comes from an ICMP message, and many
/// errors may wait.
const ERRORS: usize = 16;

pub(super) struct UdpSockets {
    /// Indexed by the index of the socket's handle.
    held: Vec<Option<Held>>,
    /// The buffer for one datagram; empty until a socket is bound.
    buffer: Vec<u8>,
}

struct Held {
    id: UdpSocket,
    socket: Result<Bound, io::Error>,
}

struct Bound {
    socket: Socket,
    /// The peer to which the system has connected the socket.
    peer: Option<SocketAddr>,
    readable: bool,
    writable: bool,
    /// A datagram for which the ring had no room.
    waiting: Option<(SocketAddr, Box<[u8]>)>,
}

impl UdpSockets {
    pub(super) const fn new() -> Self {
        Self { held: Vec::new(), buffer: Vec::new() }
    }

    /// Binds a socket. Returns its address.
    ///
    /// # Errors
    /// The reason why the socket cannot be bound. [`UdpSockets::local_addr`] then returns the same error.
    pub(super) fn bind(
        &mut self,
        id: UdpSocket,
        address: SocketAddr,
        registry: &Registry,
    ) -> io::Result<SocketAddr> {
        let index = id.index();
        if index >= self.held.len() {
            self.held.resize_with(index + 1, || None);
        }
        self.buffer.resize(BUFFER, 0);
        let socket = Bound::new(address, index, registry);
        let bound = match &socket {
            Ok(bound) => bound.socket.local_addr(),
            Err(error) => Err(copy_of(error)),
        };
        self.held[index] = Some(Held { id, socket });
        bound
    }

    pub(super) fn local_addr(&self, id: UdpSocket) -> io::Result<SocketAddr> {
        let held = self.held.get(id.index()).and_then(Option::as_ref);
        match held.filter(|held| held.id == id) {
            Some(held) => held.socket.as_ref().map_err(copy_of)?.socket.local_addr(),
            None => Err(io::Error::new(
                ErrorKind::NotFound,
                "the socket was closed, or its base has not settled since it was made",
            )),
        }
    }

    pub(super) fn close(&mut self, id: UdpSocket) {
        if let Some(held) = self.held.get_mut(id.index()) {
            *held = None;
        }
    }

    /// Handles an event of the selector: stores the new readiness of the socket, then receives and sends datagrams.
    pub(super) fn handle_event<A>(
        &mut self,
        index: usize,
        event: &Event,
        base: &mut EventBase<'_, A>,
        registry: &Registry,
    ) {
        let Self { held, buffer } = self;
        let held = held.get_mut(index).and_then(Option::as_mut);
        let Some((id, bound)) = held.and_then(Held::bound) else { return };
        bound.readable |= event.is_readable() || event.is_error();
        bound.writable |= event.is_writable() || event.is_error();
        bound.receive(id, buffer, base, registry);
        bound.send(id, base);
    }

    /// Receives datagrams while the base has room.
    pub(super) fn receive<A>(
        &mut self,
        id: UdpSocket,
        base: &mut EventBase<'_, A>,
        registry: &Registry,
    ) {
        let Self { held, buffer } = self;
        let held = held.get_mut(id.index()).and_then(Option::as_mut);
        if let Some((id, bound)) = held.and_then(Held::bound) {
            bound.receive(id, buffer, base, registry);
        }
    }

    /// Carries out the application's requests for a socket.
    pub(super) fn send<A>(&mut self, id: UdpSocket, base: &mut EventBase<'_, A>) {
        let held = self.held.get_mut(id.index()).and_then(Option::as_mut);
        if let Some((id, bound)) = held.and_then(Held::bound) {
            bound.send(id, base);
        }
    }
}

impl Held {
    fn bound(&mut self) -> Option<(UdpSocket, &mut Bound)> {
        let id = self.id;
        self.socket.as_mut().ok().map(|bound| (id, bound))
    }
}

impl Bound {
    fn new(address: SocketAddr, index: usize, registry: &Registry) -> io::Result<Self> {
        let mut socket = Socket::bind(address)?;
        let interest = Interest::READABLE.add(Interest::WRITABLE);
        registry.register(&mut socket, Object::Udp(index).into(), interest)?;
        // After the registration, the selector reports each direction that is ready.
        Ok(Self { socket, peer: None, readable: false, writable: true, waiting: None })
    }

    fn receive<A>(
        &mut self,
        id: UdpSocket,
        buffer: &mut [u8],
        base: &mut EventBase<'_, A>,
        registry: &Registry,
    ) {
        if let Some((from, data)) = self.waiting.take()
            && !base.received_from(id, from, &data)
        {
            self.waiting = Some((from, data));
            return;
        }
        let mut errors = 0;
        while self.readable {
            match self.socket.recv_from(buffer) {
                Ok((len, from)) => {
                    let from = self.peer.filter(|peer| is_same(*peer, from)).unwrap_or(from);
                    if !base.received_from(id, from, &buffer[..len]) {
                        self.waiting = Some((from, buffer[..len].into()));
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.readable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    base.udp_failed(id, errno::udp(&error));
                    errors += 1;
                    if errors == ERRORS {
                        self.report_readiness_again(id, registry);
                        return;
                    }
                }
            }
        }
    }

    /// Makes the selector report the current readiness again.
    fn report_readiness_again(&mut self, id: UdpSocket, registry: &Registry) {
        let interest = Interest::READABLE.add(Interest::WRITABLE);
        let token = Object::Udp(id.index()).into();
        self.readable = registry.reregister(&mut self.socket, token, interest).is_err();
    }

    fn send<A>(&mut self, id: UdpSocket, base: &mut EventBase<'_, A>) {
        let mut errors = 0;
        while self.writable
            && let Some(request) = base.udp_request(id)
        {
            match self.carry_out(request) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.writable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // The peer of an earlier datagram has refused the earlier datagram. The current request was not carried
                // out, so the loop carries out the same request again.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused && errors < ERRORS => {
                    errors += 1;
                    base.udp_failed(id, UdpError::Refused);
                }
                done => {
                    errors = 0;
                    base.udp_done(id, done.map_err(|error| errno::udp(&error)));
                }
            }
        }
    }

    fn carry_out(&mut self, request: UdpRequest<'_>) -> io::Result<()> {
        match request {
            UdpRequest::Send(to, data) if self.peer == Some(to) => self.socket.send(data).map(drop),
            UdpRequest::Send(to, data) => self.socket.send_to(data, to).map(drop),
            UdpRequest::Connect(peer) => {
                self.socket.connect(peer)?;
                self.peer = Some(peer);
                Ok(())
            }
            // As on a board, joining a group again and leaving a group that was not joined change nothing.
            UdpRequest::Join(group) => ignore(ErrorKind::AddrInUse, self.join(group)),
            UdpRequest::Leave(group) => ignore(ErrorKind::AddrNotAvailable, self.leave(group)),
            UdpRequest::Broadcast(allowed) => self.socket.set_broadcast(allowed),
        }
    }

    fn join(&self, group: IpAddr) -> io::Result<()> {
        match group {
            IpAddr::V4(group) => self.socket.join_multicast_v4(&group, &Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(group) => self.socket.join_multicast_v6(&group, 0),
        }
    }

    fn leave(&self, group: IpAddr) -> io::Result<()> {
        match group {
            IpAddr::V4(group) => self.socket.leave_multicast_v4(&group, &Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(group) => self.socket.leave_multicast_v6(&group, 0),
        }
    }
}

/// Replaces an error of this kind by success.
fn ignore(kind: ErrorKind, done: io::Result<()>) -> io::Result<()> {
    done.or_else(|error| if error.kind() == kind { Ok(()) } else { Err(error) })
}

/// Returns whether two addresses are the same. An IPv6 socket reports an IPv4 peer with an IPv4-mapped address, but the
/// application may have connected the socket to the IPv4 address.
fn is_same(first: SocketAddr, second: SocketAddr) -> bool {
    (first.ip().to_canonical(), first.port()) == (second.ip().to_canonical(), second.port())
}
