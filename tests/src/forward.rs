//! Forwards a port of this machine to a server on the wire.
//!
//! ```text
//!   nc ── 127.0.0.1:9995 ── Forward ── the peer's stack ── wire, with its faults ── board
//! ```
//!
//! Each connection has two halves: a socket of the operating system and a socket of the peer's
//! stack. Bytes, ends of stream and resets are passed from one to the other. Bytes that wait are
//! kept in their buffers.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddrV4, TcpListener, TcpStream};
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;
use smoltcp::iface::{Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};

/// The first port of the connections to the server, apart from those of clients.
const FIRST_PORT: u16 = 32_768;
const PORTS: u16 = 16_384;

/// The buffer of each direction of each connection.
const BUFFER: usize = 16 * 1024;

pub(crate) struct Forward {
    listener: TcpListener,
    server: SocketAddrV4,
    next_port: u16,
    pairs: Vec<Pair>,
}

/// The two halves of a connection.
struct Pair {
    near: TcpStream,
    far: SocketHandle,
    /// The far half has been established.
    open: bool,
    /// Whether the near half's end of stream, and the far one's, were passed on.
    ends: [bool; 2],
}

/// What happens to a pair next.
#[derive(PartialEq, Eq)]
enum Next {
    Stays,
    /// Both ends were passed on.
    Done,
    /// The far half has ended without an end of stream.
    FarReset,
    /// The near half has ended without an end of stream.
    NearReset,
}

impl Forward {
    pub(crate) fn new(listener: TcpListener, server: SocketAddrV4) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self { listener, server, next_port: 0, pairs: Vec::new() })
    }

    /// Accepts waiting connections, and moves what can be moved.
    pub(crate) fn step(&mut self, interface: &mut Interface, sockets: &mut SocketSet<'static>) {
        while let Ok((near, _)) = self.listener.accept() {
            // A socket that cannot be non-blocking is dropped.
            if near.set_nonblocking(true).is_ok() {
                let far = self.connect(interface, sockets);
                self.pairs.push(Pair { near, far, open: false, ends: [false; 2] });
            }
        }
        self.pairs.retain_mut(|pair| {
            let socket = sockets.get_mut(pair.far);
            let next = pair.step(socket);
            match next {
                Next::Stays => return true,
                Next::Done => {}
                Next::FarReset => {
                    // Dropping the near half then resets it; if the option fails, it ends normally.
                    let _ = set_socket_linger(&pair.near, Some(Duration::ZERO));
                }
                Next::NearReset => {
                    socket.abort();
                    pair.near_is_gone();
                    // It stays until its reset is sent.
                    return true;
                }
            }
            sockets.remove(pair.far);
            false
        });
    }

    fn connect(
        &mut self,
        interface: &mut Interface,
        sockets: &mut SocketSet<'static>,
    ) -> SocketHandle {
        let buffer = || SocketBuffer::new(vec![0; BUFFER]);
        let mut socket = Socket::new(buffer(), buffer());
        socket.set_nagle_enabled(false);
        let port = FIRST_PORT + self.next_port;
        self.next_port = (self.next_port + 1) % PORTS;
        let server = (*self.server.ip(), self.server.port());
        let connecting = socket.connect(interface.context(), server, port);
        connecting.expect("a new socket can connect to a port that is not 0");
        sockets.add(socket)
    }
}

impl Pair {
    fn near_is_gone(&mut self) {
        self.ends = [true; 2];
    }

    fn step(&mut self, far: &mut Socket<'static>) -> Next {
        self.open |= far.may_send();
        if far.state() == State::Closed {
            let in_order = self.ends == [true; 2] && far.remote_endpoint().is_none();
            return match (in_order, self.ends == [true; 2]) {
                (true, _) => Next::Done,
                // Our reset is not sent yet.
                (false, true) => Next::Stays,
                (false, false) if self.open && self.ends[1] => Next::Done,
                (false, false) => Next::FarReset,
            };
        }
        if self.pass_far(far).and_then(|()| self.pass_near(far)).is_err() {
            return Next::NearReset;
        }
        let over = self.ends == [true; 2] && far.state() == State::TimeWait;
        if over { Next::Done } else { Next::Stays }
    }

    /// Moves bytes from this machine to the board.
    fn pass_far(&mut self, far: &mut Socket<'static>) -> io::Result<()> {
        while !self.ends[0] && far.can_send() {
            let read = far.send(|room| match self.near.read(room) {
                Ok(amount) => (amount, Ok(amount)),
                Err(error) => (0, Err(error)),
            });
            match read.unwrap_or(Ok(0)) {
                Ok(0) => {
                    self.ends[0] = true;
                    far.close();
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Moves bytes from the board to this machine.
    fn pass_near(&mut self, far: &mut Socket<'static>) -> io::Result<()> {
        while far.can_recv() {
            let written = far.recv(|bytes| match self.near.write(bytes) {
                Ok(amount) => (amount, Ok(())),
                Err(error) => (0, Err(error)),
            });
            match written.unwrap_or(Ok(())) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.open && !self.ends[1] && !far.may_recv() {
            self.ends[1] = true;
            // Fails if the near half is gone, which the next read reports.
            let _ = self.near.shutdown(Shutdown::Write);
        }
        Ok(())
    }
}
