//! The cable between the device and its peers: frames in transit in both directions.
//!
//! [`Ether`] also contains the choice log, the digest and the observer, because all modules of a simulation use them.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};
use std::net::SocketAddr;
use std::task::Waker;

use picoevent_sim_support::net::MTU;

use crate::world::choices::choice_log::ChoiceLog;
use crate::world::choices::fault::Fault;
use crate::world::choices::kinds::{FaultKind, ServerFaultKind};
use crate::world::network::address;
use crate::world::network::digest::Digest;
use crate::world::network::link::{Decision, Link};
use crate::world::network::segment;
use crate::world::observe::observer::{Direction, Fate, Frame, Observer, Treatment};

/// The device's hardware address.
pub(crate) const DEVICE: [u8; 6] = [2, 0, 0, 0, 0, 2];
/// The hardware address of the host on which the clients run.
pub(crate) const PEER: [u8; 6] = [2, 0, 0, 0, 0, 1];
/// The attacker's hardware address.
pub(crate) const ATTACKER: [u8; 6] = [2, 0, 0, 0, 0, 0x66];

pub(crate) struct Ether {
    pub(crate) choice_log: ChoiceLog,
    pub(crate) digest: Digest,
    pub(crate) observer: Option<Box<dyn Observer>>,
    /// The device's link is up.
    pub(crate) plugged: bool,
    /// There is an attacker, so the device may send frames to the attacker.
    pub(crate) has_attacker: bool,
    pub(crate) waker: Option<Waker>,
    pub(crate) to_device: VecDeque<Vec<u8>>,
    pub(crate) to_peer: VecDeque<Vec<u8>>,
    pub(crate) to_attacker: VecDeque<Vec<u8>>,
    pub(crate) to_server: VecDeque<Vec<u8>>,
    /// There is a DHCP server, so the device may send frames to the DHCP server.
    pub(crate) has_server: bool,
    /// The number of frames sent.
    pub(crate) frames: u64,
    /// The peers' ports in segments and datagrams in which a byte was forged.
    pub(crate) forged: Vec<u16>,
    /// The ports of vanished peers. Frames to these ports are dropped.
    pub(crate) vanished: Vec<u16>,
    /// Ports of servers whose connects are recorded.
    pub(crate) servers: Vec<u16>,
    /// The connects that the device has begun: the server's port, and the device's port.
    pub(crate) connects: Vec<(u16, u16)>,
    /// The device has requested the hardware address of [`UNUSED`](address::UNUSED).
    pub(crate) requests_unused_address: bool,
    /// The ports of servers that are off. Frames to these ports are dropped.
    pub(crate) silent: Vec<u16>,
    /// Ports of the device whose datagrams are recorded.
    pub(crate) udp_ports: Vec<u16>,
    /// The datagrams that the device has received and sent at the ports in `udp_ports`, in order.
    pub(crate) datagrams: Vec<Datagram>,
    /// Ports of UDP clients whose next datagram gets a wrong checksum.
    pub(crate) bad_checksums: Vec<u16>,
    /// The number of times each kind of server fault began, by the number of the kind.
    pub(crate) server_fault_counts: [u32; ServerFaultKind::ALL.len()],
    /// The number of times each kind of fault had an effect, by the number of the kind.
    pub(crate) fault_counts: [u32; FaultKind::ALL.len()],
    links: [Link; 2],
    flights: BinaryHeap<Flight>,
    launched: u64,
    buffers: Vec<Vec<u8>>,
}

/// A datagram to the device, or from it.
pub(crate) struct Datagram {
    pub(crate) direction: Direction,
    /// The address of the peer.
    pub(crate) peer: SocketAddr,
    /// The device's port.
    pub(crate) port: u16,
    pub(crate) data: Vec<u8>,
}

/// A frame in transit.
struct Flight {
    arrival: u64,
    serial: u64,
    direction: Direction,
    frame: Vec<u8>,
}

impl Ether {
    pub(crate) fn new() -> Self {
        Self {
            choice_log: ChoiceLog::of_lines(&[]),
            digest: Digest::default(),
            observer: None,
            plugged: true,
            has_attacker: false,
            waker: None,
            to_device: VecDeque::new(),
            to_peer: VecDeque::new(),
            to_attacker: VecDeque::new(),
            to_server: VecDeque::new(),
            has_server: false,
            frames: 0,
            forged: Vec::new(),
            vanished: Vec::new(),
            servers: Vec::new(),
            connects: Vec::new(),
            requests_unused_address: false,
            silent: Vec::new(),
            udp_ports: Vec::new(),
            datagrams: Vec::new(),
            bad_checksums: Vec::new(),
            server_fault_counts: [0; ServerFaultKind::ALL.len()],
            fault_counts: [0; FaultKind::ALL.len()],
            links: links(0),
            flights: BinaryHeap::new(),
            launched: 0,
            buffers: Vec::new(),
        }
    }

    /// Begins a simulation and reuses the memory of the previous simulation.
    pub(crate) fn restart(&mut self, delay: u64) {
        self.digest = Digest::default();
        (self.plugged, self.has_attacker, self.has_server) = (true, false, false);
        (self.waker, self.frames, self.launched) = (None, 0, 0);
        self.forged.clear();
        self.vanished.clear();
        self.servers.clear();
        self.connects.clear();
        self.requests_unused_address = false;
        self.silent.clear();
        self.udp_ports.clear();
        self.datagrams.clear();
        self.bad_checksums.clear();
        self.server_fault_counts = [0; ServerFaultKind::ALL.len()];
        self.fault_counts = [0; FaultKind::ALL.len()];
        self.links = links(delay);
        let waiting =
            [&mut self.to_device, &mut self.to_peer, &mut self.to_attacker, &mut self.to_server];
        self.buffers.extend(waiting.into_iter().flat_map(|inbox| inbox.drain(..)));
        self.buffers.extend(self.flights.drain().map(|flight| flight.frame));
    }

    /// Sets the faults that are active from now on.
    pub(crate) fn set_faults<'f>(&mut self, faults: impl Iterator<Item = &'f Fault> + Clone) {
        for link in &mut self.links {
            link.set_faults(faults.clone());
        }
        self.plugged = !faults.into_iter().any(|fault| fault.kind == FaultKind::LinkDown);
        self.wake();
    }

    /// Returns a buffer of this length, filled with zeros.
    pub(crate) fn buffer(&mut self, length: usize) -> Vec<u8> {
        let mut buffer = self.buffers.pop().unwrap_or_else(|| Vec::with_capacity(MTU));
        buffer.clear();
        buffer.resize(length, 0);
        buffer
    }

    /// Takes a buffer back for reuse.
    pub(crate) fn put_back(&mut self, buffer: Vec<u8>) {
        self.buffers.push(buffer);
    }

    /// Sends a frame: decides what happens to the frame, and reports the frame and the decision to the observer.
    pub(crate) fn send(&mut self, direction: Direction, mut frame: Vec<u8>) {
        self.frames += 1;
        if direction == Direction::ToDevice
            && let Some(index) = self
                .bad_checksums
                .iter()
                .position(|port| segment::corrupt_checksum(&mut frame, *port))
        {
            self.bad_checksums.remove(index);
        }
        self.digest.word(self.choice_log.now << 1 | u64::from(direction == Direction::ToPeer));
        self.digest.bytes(&frame);
        if direction == Direction::ToPeer
            && !self.servers.is_empty()
            && let Some((from, to)) = segment::connect(&frame)
            && self.servers.contains(&to)
        {
            self.connects.push((to, from));
        }
        if direction == Direction::ToPeer {
            self.requests_unused_address |= segment::arp_target(&frame) == Some(address::UNUSED);
            self.record_datagram(direction, &frame);
        }
        let link = &mut self.links[direction as usize];
        let mut decision = link.decide(frame.len(), &mut self.choice_log);
        if !self.plugged {
            decision.fate = Fate::LinkDown;
        }
        let Fate::Arrives(arrival) = decision.fate else {
            self.launched += 1;
            self.report(direction, &frame, decision.fate, Treatment::default());
            self.count(match decision.fate {
                Fate::Lost => FaultKind::Loss,
                Fate::TooLong => FaultKind::Mtu,
                Fate::QueueFull => FaultKind::Rate,
                Fate::LinkDown => FaultKind::LinkDown,
                _ => FaultKind::Partition,
            });
            return self.put_back(frame);
        };
        if let Some(again) = decision.again {
            self.count(FaultKind::Duplication);
            let copy = self.copy(&frame);
            let treatment = Treatment { duplicated: true, ..Treatment::default() };
            self.launched += 1;
            self.report(direction, &copy, Fate::Arrives(again), treatment);
            self.launch(again, direction, copy);
        }
        let original = self.observer.is_some().then(|| frame.clone());
        let forged = decision.forged > 0 && self.forge(direction, &mut frame, decision.forged);
        let flipped = decision.flipped > 0 && segment::flip(&mut frame, decision.flipped - 1);
        let Decision { late, slowed, jittered, held, .. } = decision;
        let treatment =
            Treatment { duplicated: false, late, slowed, jittered, held, flipped, forged };
        for (applies, kind) in [
            (late, FaultKind::Reordering),
            (slowed, FaultKind::Rate),
            (jittered, FaultKind::Jitter),
            (flipped, FaultKind::Corruption),
        ] {
            self.fault_counts[kind as usize] += u32::from(applies);
        }
        self.launched += 1;
        if let Some(original) = original {
            self.report(direction, &original, decision.fate, treatment);
        }
        self.launch(arrival, direction, frame);
    }

    fn forge(&mut self, direction: Direction, frame: &mut [u8], index: u64) -> bool {
        let Some(ports) = segment::forge(frame, index - 1) else { return false };
        self.count(FaultKind::Forgery);
        self.forged.push(if direction == Direction::ToDevice { ports.0 } else { ports.1 });
        true
    }

    fn launch(&mut self, arrival: u64, direction: Direction, frame: Vec<u8>) {
        self.flights.push(Flight { arrival, serial: self.launched, direction, frame });
    }

    fn copy(&mut self, frame: &[u8]) -> Vec<u8> {
        let mut copy = self.buffer(frame.len());
        copy.copy_from_slice(frame);
        copy
    }

    fn count(&mut self, kind: FaultKind) {
        self.fault_counts[kind as usize] += 1;
    }

    /// Reports a frame to the observer. The number of the frame is `launched`.
    fn report(&mut self, direction: Direction, bytes: &[u8], fate: Fate, how: Treatment) {
        let now = self.choice_log.now;
        if let Some(observer) = &mut self.observer {
            observer.frame(now, Frame { number: self.launched, direction, bytes }, fate, how);
        }
    }

    /// Returns the time at which the next frame arrives, or `None` if no frame is in transit.
    pub(crate) fn next_arrival(&self) -> Option<u64> {
        self.flights.peek().map(|flight| flight.arrival)
    }

    /// Delivers the frames that have arrived. Returns whether any frame has arrived.
    pub(crate) fn deliver(&mut self) -> bool {
        let now = self.choice_log.now;
        let mut any = false;
        while self.flights.peek().is_some_and(|flight| flight.arrival <= now) {
            let Some(Flight { direction, frame, serial, .. }) = self.flights.pop() else { break };
            any = true;
            if let Some(observer) = &mut self.observer {
                let frame = Frame { number: serial, direction, bytes: &frame };
                match self.plugged {
                    true => observer.arrived(now, frame),
                    false => observer.lost_in_transit(now, frame),
                }
            }
            if !self.plugged {
                self.put_back(frame);
                continue;
            }
            match direction {
                Direction::ToDevice => {
                    self.record_datagram(direction, &frame);
                    self.to_device.push_back(frame);
                    self.wake();
                }
                Direction::ToPeer => self.sort(frame),
            }
        }
        any
    }

    /// Records a datagram if the device's port of the datagram is in `udp_ports`.
    fn record_datagram(&mut self, direction: Direction, frame: &[u8]) {
        if self.udp_ports.is_empty() {
            return;
        }
        let Some(datagram) = segment::datagram(frame) else { return };
        let (peer, device) = match direction {
            Direction::ToDevice => (datagram.from, datagram.to),
            Direction::ToPeer => (datagram.to, datagram.from),
        };
        let port = device.port();
        if self.udp_ports.contains(&port) {
            self.datagrams.push(Datagram { direction, peer, port, data: datagram.data.to_vec() });
        }
    }

    /// Delivers a frame of the device to the DHCP server, the attacker, or the peers' host. A frame with another
    /// destination address, such as a broadcast, is delivered to the attacker and to the peers' host. Frames for a port
    /// in `vanished` or `silent` are dropped.
    fn sort(&mut self, frame: Vec<u8>) {
        if self.has_server && segment::dhcp_message(&frame).is_some() {
            return self.to_server.push_back(frame);
        }
        let to = frame.get(..6).unwrap_or_default();
        if self.has_attacker && to == ATTACKER {
            return self.to_attacker.push_back(frame);
        }
        if self.has_attacker && to != PEER {
            let copy = self.copy(&frame);
            self.to_attacker.push_back(copy);
        }
        if !(self.vanished.is_empty() && self.silent.is_empty())
            && segment::target_port(&frame)
                .is_some_and(|port| self.vanished.contains(&port) || self.silent.contains(&port))
        {
            return self.put_back(frame);
        }
        self.to_peer.push_back(frame);
    }

    /// Wakes the task of the device's network stack.
    pub(crate) fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Reports an event to the observer as a line of text: the end of the faults, an interrupt, or the verdict.
    pub(crate) fn mark(&mut self, line: impl FnOnce() -> String) {
        let now = self.choice_log.now;
        if let Some(observer) = &mut self.observer {
            observer.mark(now, &line());
        }
    }
}

fn links(delay: u64) -> [Link; 2] {
    [Direction::ToDevice, Direction::ToPeer].map(|direction| Link::new(direction, delay))
}

impl Ord for Flight {
    /// Compares in reverse. The heap returns its greatest element first, so the next frame to arrive must be the
    /// greatest element.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.arrival, other.serial).cmp(&(self.arrival, self.serial))
    }
}

impl PartialOrd for Flight {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Flight {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Flight {}
