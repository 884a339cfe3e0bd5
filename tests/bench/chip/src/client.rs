//! The client of the measured server, on a separate network stack. The client opens one connection after another.
//!
//! For each connection, the client connects, reads to the end of the stream, compares the data with the greeting, and
//! closes.

use smoltcp::iface::{Config, Interface, PollResult, SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::tcp::{self, State};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr};

use crate::greeting::{CLIENT, GREETING, PORT, SERVER};
use crate::wire::{Device, PEER, Wire};

/// The memory of a client.
pub struct Memory {
    sockets: [SocketStorage<'static>; 1],
    input: [u8; 256],
    output: [u8; 64],
}

impl Memory {
    /// Makes the memory.
    pub const fn new() -> Self {
        Self { sockets: [SocketStorage::EMPTY], input: [0; 256], output: [0; 64] }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

/// A client.
pub struct Client {
    device: Device,
    interface: Interface,
    sockets: SocketSet<'static>,
    socket: SocketHandle,
    port: u16,
    received: usize,
}

impl Client {
    /// Makes a client on the peer's side of `wire`.
    pub fn new(wire: &'static Wire, memory: &'static mut Memory) -> Self {
        let mut device = wire.peer();
        let config = Config::new(HardwareAddress::Ethernet(EthernetAddress(PEER)));
        let mut interface = Interface::new(config, &mut device, Instant::ZERO);
        interface.update_ip_addrs(|addresses| {
            addresses.push(IpCidr::new(IpAddress::Ipv4(CLIENT), 24)).expect("it has one address");
        });
        let mut sockets = SocketSet::new(&mut memory.sockets[..]);
        let socket = sockets.add(tcp::Socket::new(
            tcp::SocketBuffer::new(&mut memory.input[..]),
            tcp::SocketBuffer::new(&mut memory.output[..]),
        ));
        Self { device, interface, sockets, socket, port: 49_151, received: 0 }
    }

    /// Connects to the server.
    pub fn connect(&mut self) {
        self.port = self.port.checked_add(1).unwrap_or(49_152);
        self.received = 0;
        let socket = self.sockets.get_mut::<tcp::Socket>(self.socket);
        let connecting = socket.connect(self.interface.context(), (SERVER, PORT), self.port);
        connecting.expect("the connection before is over");
    }

    /// Does the work that is possible now.
    pub fn work(&mut self, now: u64) {
        let now = instant(now);
        loop {
            let polled = self.interface.poll(now, &mut self.device, &mut self.sockets);
            if polled == PollResult::None && !self.read() {
                return;
            }
            self.read();
        }
    }

    /// Returns the time of the next work that is not triggered by a frame, or `None` if there is no such work.
    pub fn next(&mut self, now: u64) -> Option<u64> {
        let next = self.interface.poll_at(instant(now), &self.sockets)?;
        Some(now.max(next.total_micros() as u64))
    }

    /// Returns whether the connection is over.
    ///
    /// # Panics
    /// If the connection is over and the greeting is not complete.
    pub fn is_done(&mut self) -> bool {
        let socket = self.sockets.get_mut::<tcp::Socket>(self.socket);
        let is_done = socket.state() == State::Closed;
        assert!(!is_done || self.received == GREETING.len(), "the greeting is incomplete");
        is_done
    }

    /// Reads the received bytes, and closes after the end of the server's stream. Returns whether anything changed.
    fn read(&mut self) -> bool {
        let socket = self.sockets.get_mut::<tcp::Socket>(self.socket);
        let mut changed = false;
        while socket.can_recv() {
            let received = &mut self.received;
            let read = socket.recv(|bytes| {
                assert!(GREETING[*received..].starts_with(bytes), "the data is not the greeting");
                *received += bytes.len();
                (bytes.len(), ())
            });
            read.expect("there is something to read");
            changed = true;
        }
        if socket.state() == State::CloseWait {
            socket.close();
            changed = true;
        }
        changed
    }
}

/// Converts a time to smoltcp's type.
pub fn instant(now: u64) -> Instant {
    Instant::from_micros(now as i64)
}
