//! The board's peer: a TCP/IP stack on the other side of the wire. It runs many clients at once.
//!
//! [`Peer::step`] does all the work, in the caller's thread and in real time. It sleeps until a frame arrives or a
//! deadline of the stack passes. Then it handles one frame after another: the stack takes the frame, all clients run,
//! and the stack sends. So a client acts before the stack takes the next frame. For example, if the plan of a client is
//! a reset as soon as it is connected, the reset is sent before the stack takes the server's first data.

use std::cell::RefCell;
use std::io;
use std::net::{SocketAddr, SocketAddrV4, TcpListener, UdpSocket};
use std::rc::Rc;
use std::time::{Duration, Instant};

use picoevent_sim_support::net::{PeerEnd, host};
use smoltcp::iface::{Interface, PollIngressSingleResult, SocketHandle, SocketSet};
use smoltcp::time::Instant as StackTime;
use smoltcp::wire::{IpCidr, Ipv4Address, Ipv6Address};

use crate::answering::{Answer, Answering};
use crate::client::{Client, Outcome, Plan};
use crate::dhcp::{DhcpServer, Policy, Tally};
use crate::forward::{Datagrams, Forward, Reverse};
use crate::wire::Wire;

/// The peer's IPv4 address. QEMU's user networking gives the host the same address.
pub const ADDRESS: Ipv4Address = Ipv4Address::new(10, 0, 2, 2);

/// The peer's IPv6 address.
pub const ADDRESS_V6: Ipv6Address = Ipv6Address::new(0xfd00, 0, 0, 0, 0, 0, 0, 2);

/// The peer's MAC address. It is a locally administered address, because the peer is not hardware.
const HARDWARE_ADDRESS: [u8; 6] = [0x02, 0, 0, 0, 0, 0x01];

/// The first port for clients. Each connection gets a separate port, so that the server has no state of an earlier
/// connection for this port.
const FIRST_PORT: u16 = 49_152;

/// The send buffer of a client. The server's window limits the number of bytes in transit.
const SEND_BUFFER: usize = 64 * 1024;

/// The maximum number of frames that one call of [`Peer::step`] takes. The number is limited, so that the function
/// returns to its caller even if frames keep arriving.
const FRAMES_PER_STEP: usize = 64;

/// The handle of a client of one [`Peer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientId(usize);

/// A client, its port, and its socket. The socket is removed when the client is done.
#[derive(Debug)]
struct ClientSlot {
    client: Client,
    port: u16,
    socket: Option<SocketHandle>,
}

/// A host on the wire.
pub struct Peer {
    device: PeerEnd<Rc<RefCell<Wire>>>,
    interface: Interface,
    sockets: SocketSet<'static>,
    slots: Vec<ClientSlot>,
    dhcp: Option<DhcpServer>,
    answering: Vec<Answering>,
    forwards: Vec<Forward>,
    reversed: Vec<Reverse>,
    datagrams: Option<Datagrams>,
    started: Instant,
}

impl Peer {
    /// Makes a host on `wire` with the addresses [`ADDRESS`] and [`ADDRESS_V6`].
    pub fn new(wire: Wire) -> Self {
        let mut device = wire.device();
        let mut interface = host::interface(&mut device, HARDWARE_ADDRESS, Some(ADDRESS), 1);
        interface.update_ip_addrs(|own| {
            own.push(IpCidr::new(ADDRESS_V6.into(), 64)).expect("there is room for two");
        });
        let sockets = SocketSet::new(Vec::new());
        let (slots, started) = (Vec::new(), Instant::now());
        Self {
            device,
            interface,
            sockets,
            slots,
            dhcp: None,
            answering: Vec::new(),
            forwards: Vec::new(),
            reversed: Vec::new(),
            datagrams: None,
            started,
        }
    }

    /// Serves addresses by DHCP according to `policy`. A later call changes the policy.
    pub fn serve_dhcp(&mut self, policy: Policy) {
        let sockets = &mut self.sockets;
        let server = self.dhcp.get_or_insert_with(|| DhcpServer::open(sockets, ADDRESS, policy));
        server.server.set_policy(policy);
    }

    /// Answers the datagrams that arrive at a port of this host.
    pub fn answer(&mut self, port: u16, answer: Answer) {
        self.answering.push(Answering::open(&mut self.sockets, port, answer));
    }

    /// Returns the counts of the DHCP server so far. All counts are zero if there is no server.
    pub fn dhcp_tally(&self) -> Tally {
        self.dhcp.as_ref().map(|dhcp| dhcp.server.tally()).unwrap_or_default()
    }

    /// Forwards connections to `server`. The connections are accepted by `listener`. Data on these connections does not
    /// wake a sleeping [`Peer::step`], so the time limit of `step` must be short.
    pub fn forward(&mut self, listener: TcpListener, server: SocketAddrV4) -> io::Result<()> {
        self.forwards.push(Forward::new(listener, server)?);
        Ok(())
    }

    /// Forwards datagrams to `server`. The datagrams are received by `socket`. Forwards the server's answers back.
    pub fn forward_datagrams(&mut self, socket: UdpSocket, server: SocketAddrV4) -> io::Result<()> {
        self.datagrams = Some(Datagrams::new(socket, server)?);
        Ok(())
    }

    /// Accepts the board's connections to `port` of this peer, and forwards them to `server` on the real host. The
    /// peer's port is open while the server's port is open.
    pub fn reverse(&mut self, port: u16, server: SocketAddr) {
        self.device.0.borrow_mut().hold_syns(port);
        self.reversed.push(Reverse::new(port, server));
    }

    /// Returns whether connections or datagrams of the real host are forwarded. If so, the time limit of [`Peer::step`]
    /// must be short.
    pub fn is_forwarding(&self) -> bool {
        !self.forwards.is_empty() || self.datagrams.is_some()
    }

    /// Starts a client that connects to `server` and follows `plan`.
    pub fn connect(&mut self, server: impl Into<SocketAddr>, plan: Plan) -> ClientId {
        let port = u16::try_from(self.slots.len()).ok().and_then(|n| FIRST_PORT.checked_add(n));
        let port = port.expect("one test uses fewer than 16384 clients");
        let mut socket = host::socket(plan.window, SEND_BUFFER);
        let context = self.interface.context();
        let connecting = socket.connect(context, server.into(), port);
        connecting.expect("a new socket can connect to a port that is not 0");
        let socket = Some(self.sockets.add(socket));
        self.slots.push(ClientSlot { client: Client::new(plan), port, socket });
        ClientId(self.slots.len() - 1)
    }

    /// Sleeps until a frame arrives or a deadline of the stack passes, at most for `at_most`. Then takes the frames,
    /// runs the clients, and sends.
    pub fn step(&mut self, at_most: Duration) {
        let next = self.interface.poll_delay(self.now(), &self.sockets);
        self.device.0.borrow().wait(next.map_or(at_most, |next| at_most.min(next.into())));
        for _ in 0..FRAMES_PER_STEP {
            let now = self.now();
            let (device, sockets) = (&mut self.device, &mut self.sockets);
            let taken = self.interface.poll_ingress_single(now, device, sockets);
            self.step_clients();
            if let Some(dhcp) = &mut self.dhcp {
                dhcp.serve(&mut self.sockets);
            }
            for answering in &mut self.answering {
                answering.serve(&mut self.sockets);
            }
            for forward in &mut self.forwards {
                forward.step(&mut self.interface, &mut self.sockets);
            }
            if let Some(datagrams) = &mut self.datagrams {
                datagrams.step(&mut self.sockets);
            }
            for reverse in &mut self.reversed {
                reverse.step(&mut self.device.0.borrow_mut(), &mut self.sockets);
            }
            self.interface.poll_egress(now, &mut self.device, &mut self.sockets);
            self.remove_finished_sockets();
            if taken == PollIngressSingleResult::None {
                break;
            }
        }
    }

    /// Calls [`Peer::step`] repeatedly for the time `span`.
    pub fn pass(&mut self, span: Duration) {
        let start = Instant::now();
        while start.elapsed() < span {
            self.step(span.saturating_sub(start.elapsed()));
        }
    }

    /// Returns the outcome of a client so far.
    pub fn outcome(&self, client: ClientId) -> &Outcome {
        self.slots[client.0].client.outcome()
    }

    /// Returns whether all of `clients` are done.
    pub fn are_done(&self, clients: &[ClientId]) -> bool {
        clients.iter().all(|id| self.slots[id.0].client.is_done())
    }

    /// Calls [`Peer::step`] repeatedly until all of `clients` are done or `limit` has passed. Returns their outcomes.
    pub fn finish(&mut self, clients: &[ClientId], limit: Duration) -> Vec<Outcome> {
        let deadline = Instant::now() + limit;
        while !self.are_done(clients) && Instant::now() < deadline {
            self.step(deadline.saturating_duration_since(Instant::now()));
        }
        clients.iter().map(|&id| self.outcome(id).clone()).collect()
    }

    fn now(&self) -> StackTime {
        StackTime::ZERO + self.started.elapsed().into()
    }

    fn step_clients(&mut self) {
        for slot in &mut self.slots {
            if let Some(handle) = slot.socket {
                let saw_reset = self.device.0.borrow().saw_reset(slot.port);
                slot.client.step(self.sockets.get_mut(handle), saw_reset);
                if slot.client.has_vanished() {
                    // Cut off the port before the stack acknowledges the frame that completed the handshake.
                    self.device.0.borrow_mut().cut(slot.port);
                }
            }
        }
    }

    /// Removes the sockets of clients that are done, after their last segments have been sent.
    fn remove_finished_sockets(&mut self) {
        for slot in &mut self.slots {
            if let Some(handle) = slot.socket.filter(|_| slot.client.is_done()) {
                self.sockets.remove(handle);
                slot.socket = None;
            }
        }
    }
}

#[cfg(test)]
mod tests;
