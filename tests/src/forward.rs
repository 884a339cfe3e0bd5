//! Forwards TCP connections through the wire (the cable between the test's peer and the board). [`Forward`] forwards a
//! host port to a server on the board. [`Reverse`] forwards a port of the peer to a server on the host.
//!
//! ```text
//!   nc ── 127.0.0.1:9995 ── Forward ── the peer's stack ── wire, with its faults ── board
//!   collector on 127.0.0.1 ── Reverse ── the peer's stack ── wire ── board
//! ```
//!
//! For datagrams see [`Datagrams`].
//!
//! Each forwarded connection consists of two connections: a connection of the operating system, and a connection of the
//! peer's stack. Bytes, ends of stream and resets are passed from each connection to the other. Bytes that must wait
//! stay in the buffers of the two connections.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use smoltcp::iface::{Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket, State};

use crate::wire::{HeldSyn, Wire};
pub(crate) use datagrams::Datagrams;
use pair::{Pair, far_socket};

mod datagrams;
mod pair;

/// The first local port of connections to the server. These ports differ from the ports of clients.
const FIRST_PORT: u16 = 32_768;
const PORTS: u16 = 16_384;

/// The time limit of a connect to a server on the host. If the server's backlog is full, the connect gets no answer.
const CONNECT: Duration = Duration::from_millis(5);

/// The maximum time that a segment takes from the wire into the stack.
const MOMENT: Duration = Duration::from_secs(1);

pub(crate) struct Forward {
    listener: TcpListener,
    server: SocketAddrV4,
    next_port: u16,
    pairs: Vec<Pair>,
}

impl Forward {
    pub(crate) fn new(listener: TcpListener, server: SocketAddrV4) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self { listener, server, next_port: 0, pairs: Vec::new() })
    }

    /// Accepts connections, and moves bytes in both directions.
    pub(crate) fn step(&mut self, interface: &mut Interface, sockets: &mut SocketSet<'static>) {
        while let Ok((near, _)) = self.listener.accept() {
            let far = self.connect(interface, sockets);
            // If the pair cannot be made, `near` is closed.
            self.pairs.extend(Pair::new(near, far));
        }
        self.pairs.retain_mut(|pair| pair.go_on(sockets));
    }

    fn connect(
        &mut self,
        interface: &mut Interface,
        sockets: &mut SocketSet<'static>,
    ) -> SocketHandle {
        let mut socket = far_socket();
        let port = FIRST_PORT + self.next_port;
        self.next_port = (self.next_port + 1) % PORTS;
        let server = (*self.server.ip(), self.server.port());
        let connecting = socket.connect(interface.context(), server, port);
        connecting.expect("a new socket can connect to a port that is not 0");
        sockets.add(socket)
    }
}

/// A port of the peer that is forwarded to a server on the host.
///
/// The port is open only while the server's port is open. For each connect of the board, `Reverse` first connects to
/// the server. If the server accepts, the board's connect is accepted too. If the server refuses, the board receives a
/// reset. If the server does not answer, the board gets no answer.
pub(crate) struct Reverse {
    port: u16,
    server: SocketAddr,
    pairs: Vec<Pair>,
    /// For each forwarded connection: the board's address and port, the socket in the peer's stack, and the time when
    /// this socket was made.
    sources: Vec<((std::net::Ipv4Addr, u16), SocketHandle, Instant)>,
}

impl Reverse {
    pub(crate) fn new(port: u16, server: SocketAddr) -> Self {
        Self { port, server, pairs: Vec::new(), sources: Vec::new() }
    }

    /// Decides for each waiting SYN whether the stack receives it, and moves bytes.
    pub(crate) fn step(&mut self, wire: &mut Wire, sockets: &mut SocketSet<'static>) {
        for syn in wire.take_held_syns(self.port) {
            if self.is_answered(&syn, sockets) {
                wire.release(syn);
            }
        }
        self.pairs.retain_mut(|pair| pair.go_on(sockets));
        let pairs = &self.pairs;
        self.sources.retain(|(_, far, _)| pairs.iter().any(|pair| pair.far == *far));
    }

    /// Connects to the server for a SYN of the board. Returns whether the stack must receive the SYN.
    fn is_answered(&mut self, syn: &HeldSyn, sockets: &mut SocketSet<'static>) -> bool {
        if self.sources.iter().any(|(source, ..)| *source == syn.source) {
            // The SYN was retransmitted.
            return true;
        }
        // If the board gave up a connect before the handshake was complete, the socket for this connect listens again.
        // The pair of this socket is removed here. A new socket also listens, until the held SYN reaches the socket. So
        // the pair of a new socket stays.
        let sources = &self.sources;
        let is_new = |far| {
            let source = sources.iter().find(|(_, known, _)| *known == far);
            source.is_some_and(|(.., since)| since.elapsed() < MOMENT)
        };
        self.pairs.retain(|pair| {
            let stays =
                sockets.get::<Socket<'_>>(pair.far).state() != State::Listen || is_new(pair.far);
            if !stays {
                sockets.remove(pair.far);
            }
            stays
        });
        match TcpStream::connect_timeout(&self.server, CONNECT) {
            Ok(near) => {
                let mut socket = far_socket();
                socket.listen(self.port).expect("a new socket can listen on a port that is not 0");
                let far = sockets.add(socket);
                self.sources.push((syn.source, far, Instant::now()));
                self.pairs.extend(Pair::new(near, far));
                true
            }
            // If the server refuses the connection, the SYN is passed to the stack. No socket of the stack listens at
            // this port, so the stack answers with a reset. After another error, for example a timeout, the SYN is
            // dropped.
            Err(error) => error.kind() == ErrorKind::ConnectionRefused,
        }
    }
}
