//! The client of an HTTP server. The client keeps its connection open and repeats its request.
//!
//! As in [`greeting`](crate::greeting), only the server's work is timed: from the request until the client
//! and the server are idle.

use smoltcp::iface::{Config, Interface, PollResult, SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::tcp::{self, State};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr};

use crate::client::instant;
use crate::clock;
use crate::greeting::{CLIENT, SERVER, Server};
use crate::meter::{Harness, Report, Stopwatch};
use crate::wire::{Device, PEER, Wire};

/// The server's port.
pub const PORT: u16 = 80;
/// The request.
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: device\r\n\r\n";
/// The answer's content.
pub const CONTENT: &[u8; 100] = &[b'x'; 100];

/// The number of requests before the first counted request.
const WARM_UP: u32 = 4;
/// The number of counted requests.
const TIMES: u32 = 50;
/// The maximum number of times that the client and the server work during one request.
const STEPS: u32 = 1_000;

/// The memory of a client.
pub struct Memory {
    sockets: [SocketStorage<'static>; 1],
    input: [u8; 512],
    output: [u8; 128],
}

impl Memory {
    /// Makes the memory.
    pub const fn new() -> Self {
        Self { sockets: [SocketStorage::EMPTY], input: [0; 512], output: [0; 128] }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

/// A client.
struct HttpClient {
    device: Device,
    interface: Interface,
    sockets: SocketSet<'static>,
    socket: SocketHandle,
    /// The length of the received content: the number of letters `x` at the end of the received data. The content of
    /// the answer is a hundred letters `x`.
    content: usize,
    /// Whether the request is not sent yet.
    must_send: bool,
}

impl HttpClient {
    fn new(wire: &'static Wire, memory: &'static mut Memory) -> Self {
        let mut device = wire.peer();
        let config = Config::new(HardwareAddress::Ethernet(EthernetAddress(PEER)));
        let mut interface = Interface::new(config, &mut device, Instant::ZERO);
        interface.update_ip_addrs(|addresses| {
            addresses.push(IpCidr::new(IpAddress::Ipv4(CLIENT), 24)).expect("it has one address");
        });
        let mut sockets = SocketSet::new(&mut memory.sockets[..]);
        let mut socket = tcp::Socket::new(
            tcp::SocketBuffer::new(&mut memory.input[..]),
            tcp::SocketBuffer::new(&mut memory.output[..]),
        );
        let connecting = socket.connect(interface.context(), (SERVER, PORT), 49_152);
        connecting.expect("it is the first connection");
        let socket = sockets.add(socket);
        Self { device, interface, sockets, socket, content: 0, must_send: false }
    }

    fn start_request(&mut self) {
        (self.content, self.must_send) = (0, true);
    }

    /// Does the work that is possible now.
    fn work(&mut self, now: u64) {
        loop {
            let polled = self.interface.poll(instant(now), &mut self.device, &mut self.sockets);
            if polled == PollResult::None && !self.send_and_receive() {
                return;
            }
            self.send_and_receive();
        }
    }

    /// Sends the request, and reads the received bytes. Returns whether anything changed.
    fn send_and_receive(&mut self) -> bool {
        let socket = self.sockets.get_mut::<tcp::Socket>(self.socket);
        let mut changed = false;
        if self.must_send && socket.state() == State::Established {
            let sent = socket.send_slice(REQUEST).expect("it is connected");
            assert!(sent == REQUEST.len(), "the request fits into the send buffer");
            (self.must_send, changed) = (false, true);
        }
        while socket.can_recv() {
            let content = &mut self.content;
            let read = socket.recv(|bytes| {
                for byte in bytes.iter() {
                    *content = if *byte == b'x' { *content + 1 } else { 0 };
                }
                (bytes.len(), ())
            });
            read.expect("there is something to read");
            changed = true;
        }
        changed
    }

    fn is_done(&self) -> bool {
        !self.must_send && self.content == CONTENT.len()
    }

    fn next(&mut self, now: u64) -> Option<u64> {
        let next = self.interface.poll_at(instant(now), &self.sockets)?;
        Some(now.max(next.total_micros() as u64))
    }
}

/// Sends requests over `wire`. Reports the instructions and the frames of a request.
pub fn report(
    report: &mut Report,
    [work, frames]: [&str; 2],
    server: &mut impl Server,
    wire: &'static Wire,
    memory: &'static mut Memory,
) {
    while server.is_due() {
        server.step();
    }
    let mut client = HttpClient::new(wire, memory);
    let mut warm_up = Stopwatch::new();
    (0..WARM_UP).for_each(|_| request(server, &mut client, wire, &mut warm_up));
    let before = wire.total();
    let mut watch = Stopwatch::new();
    (0..TIMES).for_each(|_| request(server, &mut client, wire, &mut watch));
    report.timed(work, Harness::Meter, TIMES, &watch);
    report.frames(frames, TIMES, wire.total() - before);
}

/// Sends one request. Returns when the answer has arrived, and the client and the server are idle. After the answer,
/// the clock still advances to deadlines within the next 50 ms, so that delayed acknowledgements are sent. Later
/// deadlines are ignored.
fn request(server: &mut impl Server, client: &mut HttpClient, wire: &Wire, watch: &mut Stopwatch) {
    client.start_request();
    for _ in 0..STEPS {
        client.work(clock::now());
        if server.is_due() {
            watch.time(|| server.step());
        } else if !wire.is_busy() {
            let soon = clock::now() + 50_000;
            let client_next = client.next(clock::now());
            let next = server.next().into_iter().chain(client_next).min();
            match next.filter(|at| !client.is_done() || *at <= soon) {
                Some(at) => watch.time(|| clock::advance(at)),
                None if client.is_done() => return,
                None => panic!("the request is not done, and no work is due"),
            }
        }
    }
    panic!("the request is not done after {STEPS} steps");
}
