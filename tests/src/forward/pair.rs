//! A pair: the two halves of a forwarded connection. The near half is a TCP connection of the host's operating system.
//! The far half is a TCP connection of the peer's stack to the board.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use rustix::net::sockopt::{set_socket_linger, set_socket_send_buffer_size};
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};

/// The buffer size in each direction of a connection.
const BUFFER: usize = 16 * 1024;

/// Returns a socket of the peer's stack for the far half.
pub(super) fn far_socket() -> Socket<'static> {
    let buffer = || SocketBuffer::new(vec![0; BUFFER]);
    let mut socket = Socket::new(buffer(), buffer());
    socket.set_nagle_enabled(false);
    socket.set_ack_delay(None);
    socket
}

/// The two halves of a connection.
pub(super) struct Pair {
    near: TcpStream,
    pub(super) far: SocketHandle,
    /// Whether the far half was established.
    open: bool,
    /// Two flags. The first flag is true if the near half's end of stream was passed to the far half. The second flag
    /// is true if the far half's end of stream was passed to the near half.
    ends: [bool; 2],
    /// Whether the previous step returned [`Next::Done`].
    is_over: bool,
}

/// The next step for a pair.
#[derive(PartialEq, Eq)]
enum Next {
    Stays,
    /// The end of stream of each half was passed to the other half, or the far half was closed after its own end of
    /// stream.
    Done,
    /// The far half was reset.
    FarReset,
    /// The near half was reset.
    NearReset,
}

impl Pair {
    /// Makes a pair that has not moved any bytes yet.
    ///
    /// # Errors
    /// If the near half cannot be set up.
    pub(super) fn new(near: TcpStream, far: SocketHandle) -> io::Result<Self> {
        near.set_nonblocking(true)?;
        // With the default buffer, megabytes could wait for a program that does not read, and the board would not
        // notice that the program does not read.
        set_socket_send_buffer_size(&near, BUFFER)?;
        Ok(Self { near, far, open: false, ends: [false; 2], is_over: false })
    }

    /// Moves bytes in both directions. Returns `false` if the pair is over. In this case the far half's socket has been
    /// removed from `sockets`.
    pub(super) fn go_on(&mut self, sockets: &mut SocketSet<'static>) -> bool {
        let socket = sockets.get_mut(self.far);
        match self.step(socket) {
            Next::Stays => return true,
            // The pair stays for one more step. Meanwhile, the peer's stack sends the acknowledgement of the board's
            // last segment. Without the socket, the stack could not send this acknowledgement.
            Next::Done if !self.is_over => {
                self.is_over = true;
                return true;
            }
            Next::Done => {}
            Next::FarReset => {
                // With this option, dropping the near half sends a reset. If the option cannot be set, dropping sends
                // an end of stream.
                let _ = set_socket_linger(&self.near, Some(Duration::ZERO));
            }
            Next::NearReset => {
                socket.abort();
                self.near_is_gone();
                // The pair stays until the peer's stack has sent the reset.
                return true;
            }
        }
        sockets.remove(self.far);
        false
    }

    fn near_is_gone(&mut self) {
        self.ends = [true; 2];
    }

    fn step(&mut self, far: &mut Socket<'static>) -> Next {
        self.open |= far.may_send();
        if far.state() == State::Closed {
            let in_order = self.ends == [true; 2] && far.remote_endpoint().is_none();
            return match (in_order, self.ends == [true; 2]) {
                (true, _) => Next::Done,
                // The far half was aborted, and the peer's stack has not sent the reset yet.
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

    /// Moves bytes from the host to the board.
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

    /// Moves bytes from the board to the host.
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
            // This call fails if the near half has ended. The next read then reports the error.
            let _ = self.near.shutdown(Shutdown::Write);
        }
        Ok(())
    }
}
