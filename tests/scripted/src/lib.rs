//! A back end in virtual time for tests of protocols. The servers are closures.
//!
//! Each datagram goes to one closure, which returns datagrams as answers, each with a delay. The
//! bytes of connections go to another closure, which answers at once.

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
pub struct Heard {
    /// When it was sent.
    pub at: Instant,
    /// Its destination.
    pub server: SocketAddr,
    /// Its source port.
    pub from_port: u16,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A datagram of a server.
pub struct Reply {
    /// The delay until it arrives.
    pub after: Duration,
    /// Its source address, which may be forged.
    pub from: SocketAddr,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Returns a server's answers to a datagram.
pub type Server = Box<dyn FnMut(&Heard) -> Vec<Reply>>;

/// Returns one reply from the server that received the datagram, after a millisecond.
pub fn reply(heard: &Heard, bytes: Vec<u8>) -> Vec<Reply> {
    vec![Reply { after: Duration::from_millis(1), from: heard.server, bytes }]
}

/// A TCP server. It gets all bytes that the connection has received so far. Returns its answer, and whether it ends its
/// stream after the answer.
pub type TcpServer = Box<dyn FnMut(&[u8]) -> (Vec<u8>, bool)>;

/// The network, as a back end. A connection to an unspecified address fails.
pub struct World {
    now: Instant,
    /// The time at which the run ends.
    until: Instant,
    server: Server,
    /// The server for connections.
    pub tcp: Option<TcpServer>,
    /// All received datagrams, in order.
    pub heard: Vec<Heard>,
    sockets: Vec<(UdpSocket, SocketAddr)>,
    /// Ports that cannot be bound.
    pub taken: Vec<u16>,
    under_way: Vec<(Instant, u16, SocketAddr, Vec<u8>)>,
    calls: Vec<(Conn, bool, Vec<u8>)>,
    /// The destinations of all connects.
    pub connects: Vec<SocketAddr>,
    has_news: bool,
}

impl World {
    /// Makes a network where `server` answers datagrams, and every connect succeeds.
    pub fn new(server: impl FnMut(&Heard) -> Vec<Reply> + 'static) -> Self {
        Self {
            now: Instant::ZERO,
            until: Instant::MAX,
            server: Box::new(server),
            tcp: None,
            heard: Vec::new(),
            sockets: Vec::new(),
            taken: Vec::new(),
            under_way: Vec::new(),
            calls: Vec::new(),
            connects: Vec::new(),
            has_news: false,
        }
    }

    /// Returns the current time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Runs the loop until it would wait forever, or until `until`.
    pub fn run<A>(&mut self, base: &mut EventBase<'_, A>, app: &mut A, until: Instant) {
        base.begin(picoevent::Run::DEFAULT);
        self.until = until;
        for _ in 0..100_000 {
            if let Poll::Pending | Poll::Ready(Ok(Some(_))) = base.turn(app, self) {
                return;
            }
        }
        panic!("the loop does not come to rest");
    }

    fn udp<A>(&mut self, socket: UdpSocket, action: UdpAction, base: &mut EventBase<'_, A>) {
        match action {
            UdpAction::Bind => {
                let Some(address) = base.udp_address_of(socket) else { return };
                if self.taken.contains(&address.port()) {
                    return base.bind_failed(socket, UdpError::InUse);
                }
                self.sockets.push((socket, address));
                base.bound(socket, address);
            }
            UdpAction::SendTo => {
                while let Some(UdpRequest::Send(server, bytes)) = base.udp_request(socket) {
                    let (_, from) = self.sockets.iter().find(|(held, _)| *held == socket).unwrap();
                    let from_port = from.port();
                    let heard = Heard { at: self.now, server, from_port, bytes: bytes.to_vec() };
                    for Reply { after, from, bytes } in (self.server)(&heard) {
                        self.under_way.push((self.now.after(after), from_port, from, bytes));
                    }
                    self.heard.push(heard);
                    base.udp_done(socket, Ok(()));
                }
            }
            UdpAction::Unbind => self.sockets.retain(|(held, _)| *held != socket),
            UdpAction::ReceiveFrom => {}
        }
    }
}

impl<A> Backend<A> for World {
    type Error = Infallible;

    fn now(&mut self) -> Instant {
        self.now
    }

    fn act(&mut self, action: Action, base: &mut EventBase<'_, A>) -> Result<(), Infallible> {
        self.has_news = true;
        match action {
            Action::Udp(socket, action) => self.udp(socket, action, base),
            Action::Connect(conn) => {
                let peer = base.peer_of(conn).unwrap();
                self.connects.push(peer);
                match peer.ip().is_unspecified() {
                    true => base.failed(conn, ConnError::AddressInvalid),
                    false => self.calls.push((conn, false, Vec::new())),
                }
            }
            Action::End(conn) => base.delivered(conn),
            Action::Close(conn) | Action::Reset(conn) => {
                self.calls.retain(|(held, ..)| *held != conn);
            }
            _ => {}
        }
        Ok(())
    }

    fn deadline(&mut self, _: &mut EventBase<'_, A>) -> Instant {
        let next = self.under_way.iter().map(|(at, ..)| *at).min();
        if self.has_news { Instant::ZERO } else { next.unwrap_or(Instant::MAX) }
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

    fn feed(&mut self, base: &mut EventBase<'_, A>) {
        self.has_news = false;
        let sockets = &self.sockets;
        let now = self.now;
        self.under_way.retain(|(at, port, from, bytes)| {
            let socket = sockets.iter().find(|(_, address)| address.port() == *port);
            *at > now
                || socket.is_some_and(|(socket, _)| !base.received_from(*socket, *from, bytes))
        });
        for (conn, is_open, got) in &mut self.calls {
            if !std::mem::replace(is_open, true) {
                base.connected(*conn);
                self.has_news = true;
                continue;
            }
            let (first, second) = base.output(*conn);
            let bytes = [first, second].concat();
            base.sent(*conn, bytes.len());
            if bytes.is_empty() {
                continue;
            }
            got.extend(bytes);
            let Some(tcp) = &mut self.tcp else { continue };
            let (answer, ends) = tcp(got);
            if let Some((first, second)) = base.input(*conn) {
                let room = first.len() + second.len();
                let places = first.iter_mut().chain(second);
                places.zip(&answer).for_each(|(place, byte)| *place = *byte);
                base.received(*conn, answer.len().min(room));
            }
            if ends {
                base.finished(*conn);
            }
        }
    }
}
