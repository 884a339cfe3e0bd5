//! The other end: a client on a network stack of its own, one connection after another.
//!
//! It calls, reads to the end of the stream, holds what it read against the greeting, and closes.

use smoltcp::iface::{Config, Interface, PollResult, SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::tcp::{self, State};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr};

use crate::served::{CLIENT, GREETING, PORT, SERVER};
use crate::wire::{Device, PEER, Wire};

/// The memory of a client.
pub struct Memory {
    sockets: [SocketStorage<'static>; 1],
    input: [u8; 256],
    output: [u8; 64],
}

impl Memory {
    /// Makes it.
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
    /// Makes a client at the other end of `wire`.
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

    /// Calls the server.
    pub fn call(&mut self) {
        self.port = self.port.checked_add(1).unwrap_or(49_152);
        self.received = 0;
        let socket = self.sockets.get_mut::<tcp::Socket>(self.socket);
        let called = socket.connect(self.interface.context(), (SERVER, PORT), self.port);
        called.expect("the connection before is over");
    }

    /// Does what there is to do.
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

    /// When there is something to do that no frame brings.
    pub fn next(&mut self, now: u64) -> Option<u64> {
        let next = self.interface.poll_at(instant(now), &self.sockets)?;
        Some(now.max(next.total_micros() as u64))
    }

    /// Whether the connection is over.
    ///
    /// # Panics
    /// When it is over and the greeting did not come whole.
    pub fn is_done(&mut self) -> bool {
        let socket = self.sockets.get_mut::<tcp::Socket>(self.socket);
        let is_done = socket.state() == State::Closed;
        assert!(!is_done || self.received == GREETING.len(), "the greeting comes whole");
        is_done
    }

    /// Reads, and closes when there is nothing more to come; whether anything changed.
    fn read(&mut self) -> bool {
        let socket = self.sockets.get_mut::<tcp::Socket>(self.socket);
        let mut changed = false;
        while socket.can_recv() {
            let received = &mut self.received;
            let read = socket.recv(|bytes| {
                assert!(GREETING[*received..].starts_with(bytes), "it is the greeting");
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

/// A time as smoltcp has it.
pub fn instant(now: u64) -> Instant {
    Instant::from_micros(now as i64)
}
