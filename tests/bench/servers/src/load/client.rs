//! One connection to the server.

use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};

use super::Wrong;

/// A socket that does not block.
pub(super) struct Client {
    socket: OwnedFd,
    /// Which one it is, for those who read what went wrong.
    connection: usize,
}

impl Client {
    /// Begins to connect; what is written too early is not taken.
    pub(super) fn connect(server: SocketAddr, connection: usize) -> Result<Self, Wrong> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let family = match server {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let socket = socket_with(family, SocketType::STREAM, flags, None)
            .map_err(|error| Wrong::System("make a socket", error.into()))?;
        match connect(&socket, &server) {
            Ok(()) | Err(Errno::INPROGRESS) => Ok(Self { socket, connection }),
            Err(error) => Err(Wrong::System("connect", error.into())),
        }
    }

    /// Has output leave when it is written.
    pub(super) fn set_nodelay(&self) -> Result<(), Wrong> {
        sockopt::set_tcp_nodelay(&self.socket, true)
            .map_err(|error| Wrong::System("set TCP_NODELAY", error.into()))
    }

    /// Reads what has come; `None` when nothing has, and `Some(0)` at the end of the stream.
    pub(super) fn read(&self, target: &mut [u8]) -> Result<Option<usize>, Wrong> {
        self.understood(rustix::io::read(&self.socket, target))
    }

    /// Writes what the system takes; `None` when it takes nothing.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<Option<usize>, Wrong> {
        self.understood(rustix::io::write(&self.socket, bytes))
    }

    fn understood(&self, done: Result<usize, Errno>) -> Result<Option<usize>, Wrong> {
        match done {
            Ok(amount) => Ok(Some(amount)),
            // A connection that is being made says the last.
            Err(Errno::AGAIN | Errno::INTR | Errno::NOTCONN) => Ok(None),
            Err(error) => {
                let connection = self.connection;
                Err(Wrong::Lost { connection, error: Some(error.into()) })
            }
        }
    }

    /// Closes with a reset: the address is free at once.
    pub(super) fn hang_up(self) -> Result<(), Wrong> {
        sockopt::set_socket_linger(&self.socket, Some(Duration::ZERO))
            .map_err(|error| Wrong::System("set SO_LINGER", error.into()))
    }
}

impl AsFd for Client {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
