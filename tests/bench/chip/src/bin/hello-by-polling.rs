//! The network stack alone, polled by a loop: the greeting server on smoltcp's sockets, without tasks and without
//! events. Every other measured server needs at least as many instructions.

#![no_std]
#![no_main]

use core::hint::black_box;

use picoevent_bench_chip::client::{Memory, instant};
use picoevent_bench_chip::clock;
use picoevent_bench_chip::greeting::{self, GREETING, PORT, SERVER, Server};
use picoevent_bench_chip::meter::{Harness, Report};
use picoevent_bench_chip::wire::{BOARD, Device, Wire};
use smoltcp::iface::{Config, Interface, SocketSet, SocketStorage};
use smoltcp::phy::{Device as _, RxToken as _, TxToken as _};
use smoltcp::socket::tcp::{self, State};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr};
use static_cell::ConstStaticCell;

static WIRE: ConstStaticCell<Wire> = ConstStaticCell::new(Wire::new());
static IDLE: ConstStaticCell<Wire> = ConstStaticCell::new(Wire::new());
static CLIENT: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::new());
static MEMORY: ConstStaticCell<ServerMemory<4>> = ConstStaticCell::new(ServerMemory::new());
static MORE_MEMORY: ConstStaticCell<ServerMemory<16>> = ConstStaticCell::new(ServerMemory::new());

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut report = Report::start("");
    let wire = &*WIRE.take();
    let mut server = PollingServer::new(wire, MEMORY.take());
    let names = ["hello by polling, 4 sockets", "frames of hello by polling, 4 sockets"];
    greeting::report(&mut report, names, &mut server, wire, CLIENT.take());
    report.count("poll of the stack, 4 idle sockets", Harness::Loop, 1_000, || server.poll());
    let mut server = PollingServer::new(&*IDLE.take(), MORE_MEMORY.take());
    server.step();
    report.count("poll of the stack, 16 idle sockets", Harness::Loop, 1_000, || server.poll());
    frames(&mut report, wire);
    report.end()
}

/// Counts the instructions of the drivers for one frame that one side sends and the other side receives. Only the first
/// byte of the frame is written and read.
fn frames(report: &mut Report, wire: &'static Wire) {
    let (mut board, mut peer) = (wire.device(), wire.peer());
    report.count("driver, a frame from end to end", Harness::Loop, 1_000, || {
        let sent = board.transmit(Instant::ZERO).map(|room| room.consume(64, |bytes| bytes[0] = 1));
        black_box(sent);
        let received =
            peer.receive(Instant::ZERO).map(|(frame, _)| frame.consume(|bytes| bytes[0]));
        black_box(received);
    });
}

/// The memory of a server.
struct ServerMemory<const SOCKETS: usize> {
    sockets: [SocketStorage<'static>; SOCKETS],
    buffers: [[[u8; 128]; 2]; SOCKETS],
}

impl<const SOCKETS: usize> ServerMemory<SOCKETS> {
    const fn new() -> Self {
        Self { sockets: [SocketStorage::EMPTY; SOCKETS], buffers: [[[0; 128]; 2]; SOCKETS] }
    }
}

/// A server that polls.
struct PollingServer {
    wire: &'static Wire,
    device: Device,
    interface: Interface,
    sockets: SocketSet<'static>,
    next: Option<Instant>,
}

impl PollingServer {
    fn new<const SOCKETS: usize>(
        wire: &'static Wire,
        memory: &'static mut ServerMemory<SOCKETS>,
    ) -> Self {
        let mut device = wire.device();
        let config = Config::new(HardwareAddress::Ethernet(EthernetAddress(BOARD)));
        let mut interface = Interface::new(config, &mut device, Instant::ZERO);
        interface.update_ip_addrs(|addresses| {
            addresses.push(IpCidr::new(IpAddress::Ipv4(SERVER), 24)).expect("it has one address");
        });
        let mut sockets = SocketSet::new(&mut memory.sockets[..]);
        for [input, output] in &mut memory.buffers {
            sockets.add(tcp::Socket::new(
                tcp::SocketBuffer::new(&mut input[..]),
                tcp::SocketBuffer::new(&mut output[..]),
            ));
        }
        Self { wire, device, interface, sockets, next: Some(Instant::ZERO) }
    }

    fn poll(&mut self) {
        let now = instant(clock::now());
        self.interface.poll(now, &mut self.device, &mut self.sockets);
    }

    /// Handles each socket according to its state.
    fn serve(&mut self) {
        for (_, socket) in self.sockets.iter_mut() {
            let smoltcp::socket::Socket::Tcp(socket) = socket;
            match socket.state() {
                State::Closed | State::TimeWait => {
                    let listened = socket.listen(PORT);
                    debug_assert!(listened.is_ok(), "a closed socket may listen");
                }
                State::Established | State::CloseWait => {
                    let sent = socket.send_slice(GREETING);
                    debug_assert_eq!(sent, Ok(GREETING.len()), "the buffer is empty");
                    socket.close();
                }
                _ => {}
            }
        }
    }
}

impl Server for PollingServer {
    fn is_due(&self) -> bool {
        let now = instant(clock::now());
        self.wire.is_arriving() || self.next.is_some_and(|next| next <= now)
    }

    fn step(&mut self) {
        self.poll();
        self.serve();
        self.poll();
        self.next = self.interface.poll_at(instant(clock::now()), &self.sockets);
    }

    fn next(&mut self) -> Option<u64> {
        self.next.map(|next| next.total_micros() as u64)
    }
}
