//! A back end in virtual time, for tests of protocols. The servers are closures.
//!
//! One closure receives each datagram, and returns datagrams as answers, each with a delay. Another closure receives
//! the bytes of connections, and answers at once.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::task::Poll;
use std::time::Duration;

use critical_section as _;
use picoevent::{
    Action, Backend, Conn, ConnError, EventBase, Instant, UdpAction, UdpError, UdpRequest,
    UdpSocket,
};

/// A datagram that a server has received.
#[derive(Clone, Debug)]
pub struct Datagram {
    /// The time at which the device has sent the datagram.
    pub at: Instant,
    /// The destination of the datagram.
    pub server: SocketAddr,
    /// The source port of the datagram.
    pub from_port: u16,
    /// The data of the datagram.
    pub bytes: Vec<u8>,
}

/// A datagram that a server sends.
pub struct Reply {
    /// The delay until the datagram arrives.
    pub after: Duration,
    /// The source address. It may be forged.
    pub from: SocketAddr,
    /// The data of the datagram.
    pub bytes: Vec<u8>,
}

/// Returns a server's answers to a datagram.
pub type Server = Box<dyn FnMut(&Datagram) -> Vec<Reply>>;

/// Returns one reply with `bytes`. The server that has received `datagram` sends the reply, and it arrives after a
/// millisecond.
pub fn reply(datagram: &Datagram, bytes: Vec<u8>) -> Vec<Reply> {
    vec![Reply { after: Duration::from_millis(1), from: datagram.server, bytes }]
}

/// A TCP server. The argument is everything that the server has received on the connection so far. Returns the answer,
/// and whether the server ends its stream after the answer.
pub type TcpServer = Box<dyn FnMut(&[u8]) -> (Vec<u8>, bool)>;

/// The network, as a back end. A connection to an unspecified address fails.
pub struct Network {
    now: Instant,
    /// The time at which the run ends.
    until: Instant,
    server: Server,
    /// The server for connections.
    pub tcp: Option<TcpServer>,
    /// All datagrams that the servers have received, in order.
    pub received: Vec<Datagram>,
    sockets: Vec<(UdpSocket, SocketAddr)>,
    /// Ports that cannot be bound.
    pub unavailable_ports: Vec<u16>,
    in_flight: Vec<(Instant, u16, SocketAddr, Vec<u8>)>,
    conns: Vec<(Conn, bool, Vec<u8>)>,
    /// The destinations of all connects.
    pub connects: Vec<SocketAddr>,
    has_reports: bool,
}

impl Network {
    /// Makes a network in which `server` answers datagrams, and every connect succeeds, except to an unspecified
    /// address.
    pub fn new(server: impl FnMut(&Datagram) -> Vec<Reply> + 'static) -> Self {
        Self {
            now: Instant::ZERO,
            until: Instant::MAX,
            server: Box::new(server),
            tcp: None,
            received: Vec::new(),
            sockets: Vec::new(),
            unavailable_ports: Vec::new(),
            in_flight: Vec::new(),
            conns: Vec::new(),
            connects: Vec::new(),
            has_reports: false,
        }
    }

    /// Returns the current time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Runs the loop until it would wait forever, or until the time `until`.
    pub fn run<A>(&mut self, base: &mut EventBase<'_, A>, app: &mut A, until: Instant) {
        base.begin(picoevent::Run::DEFAULT);
        self.until = until;
        for _ in 0..100_000 {
            if let Poll::Pending | Poll::Ready(Ok(Some(_))) = base.iterate(app, self) {
                return;
            }
        }
        panic!("the loop still has work after 100,000 passes");
    }

    fn udp<A>(&mut self, socket: UdpSocket, action: UdpAction, base: &mut EventBase<'_, A>) {
        match action {
            UdpAction::Bind => {
                let Some(address) = base.udp_address_of(socket) else { return };
                if self.unavailable_ports.contains(&address.port()) {
                    return base.bind_failed(socket, UdpError::InUse);
                }
                self.sockets.push((socket, address));
                base.bound(socket, address);
            }
            UdpAction::SendTo => {
                while let Some(UdpRequest::Send(server, bytes)) = base.udp_request(socket) {
                    let (_, from) =
                        self.sockets.iter().find(|(bound, _)| *bound == socket).unwrap();
                    let from_port = from.port();
                    let datagram =
                        Datagram { at: self.now, server, from_port, bytes: bytes.to_vec() };
                    for Reply { after, from, bytes } in (self.server)(&datagram) {
                        self.in_flight.push((self.now.after(after), from_port, from, bytes));
                    }
                    self.received.push(datagram);
                    base.udp_done(socket, Ok(()));
                }
            }
            UdpAction::Unbind => self.sockets.retain(|(bound, _)| *bound != socket),
            UdpAction::ReceiveFrom => {}
        }
    }
}

impl<A> Backend<A> for Network {
    type Error = Infallible;

    fn now(&mut self) -> Instant {
        self.now
    }

    fn act(&mut self, action: Action, base: &mut EventBase<'_, A>) -> Result<(), Infallible> {
        self.has_reports = true;
        match action {
            Action::Udp(socket, action) => self.udp(socket, action, base),
            Action::Connect(conn) => {
                let peer = base.peer_of(conn).unwrap();
                self.connects.push(peer);
                match peer.ip().is_unspecified() {
                    true => base.failed(conn, ConnError::AddressInvalid),
                    false => self.conns.push((conn, false, Vec::new())),
                }
            }
            Action::End(conn) => base.delivered(conn),
            Action::Close(conn) | Action::Reset(conn) => {
                self.conns.retain(|(open, ..)| *open != conn);
            }
            _ => {}
        }
        Ok(())
    }

    fn deadline(&mut self, _: &mut EventBase<'_, A>) -> Instant {
        let next = self.in_flight.iter().map(|(at, ..)| *at).min();
        if self.has_reports { Instant::ZERO } else { next.unwrap_or(Instant::MAX) }
    }

    fn wait(&mut self, until: Instant, _: &mut EventBase<'_, A>) -> Poll<Result<(), Infallible>> {
        if until == Instant::MAX || until > self.until {
            if self.until < Instant::MAX {
                self.now = self.now.max(self.until);
            }
            return Poll::Pending;
        }
        self.now = self.now.max(until);
        Poll::Ready(Ok(()))
    }

    fn report(&mut self, base: &mut EventBase<'_, A>) {
        self.has_reports = false;
        let sockets = &self.sockets;
        let now = self.now;
        self.in_flight.retain(|(at, port, from, bytes)| {
            let socket = sockets.iter().find(|(_, address)| address.port() == *port);
            *at > now
                || socket.is_some_and(|(socket, _)| !base.received_from(*socket, *from, bytes))
        });
        for (conn, is_open, received) in &mut self.conns {
            if !std::mem::replace(is_open, true) {
                base.connected(*conn);
                self.has_reports = true;
                continue;
            }
            let (first, second) = base.output(*conn);
            let bytes = [first, second].concat();
            base.sent(*conn, bytes.len());
            if bytes.is_empty() {
                continue;
            }
            received.extend(bytes);
            let Some(tcp) = &mut self.tcp else { continue };
            let (answer, ends) = tcp(received);
            if let Some((first, second)) = base.input(*conn) {
                let room = first.len() + second.len();
                let targets = first.iter_mut().chain(second);
                targets.zip(&answer).for_each(|(target, byte)| *target = *byte);
                base.received(*conn, answer.len().min(room));
            }
            if ends {
                base.peer_finished(*conn);
            }
        }
    }
}
