//! Calls the functions of UDP sockets, and compares each socket with two queues, one for each direction. A string of
//! bytes selects the calls.
//!
//! The model does not know the positions of records in a ring, so it cannot predict whether a record fits. The model
//! takes the core's result, and checks what must be true for this result.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use picoevent::{
    Action, Counts, Cx, Dropped, EventBase, Priority, SendError, SetupError, StaleError, Storage,
    UdpAction, UdpError, UdpEvent, UdpMut, UdpRequest, UdpRings, UdpSocket,
};

use crate::bytes::Bytes;

type Base<'s> = EventBase<'s, World>;

/// Rings that hold one to three records.
const RINGS: [UdpRings; 3] = [UdpRings::new(25, 60), UdpRings::new(60, 25), UdpRings::new(40, 40)];

const SOCKETS: usize = 3;
const BYTES: usize = 250;

struct World {
    bytes: Bytes,
    sockets: Vec<Shadow>,
    /// The ring sizes of all parts of the storage that were given to sockets.
    allocated: Vec<UdpRings>,
    counter: u8,
}

/// The expected state of a socket.
struct Shadow {
    id: UdpSocket,
    rings: UdpRings,
    input: VecDeque<(SocketAddr, Vec<u8>, bool)>,
    output: VecDeque<Request>,
    peer: Option<SocketAddr>,
    bound: Option<SocketAddr>,
    failed: bool,
    closed: bool,
    /// Whether the base has requested [`UdpAction::Unbind`] for the closed socket.
    gone: bool,
    /// Whether a datagram did not fit into the output ring, and the callback for `Writable` has not run since then.
    refused: bool,
    /// An error that the back end has reported and the application has not received yet.
    error: Option<UdpError>,
    dropped: Dropped,
}

#[derive(Clone, Debug, PartialEq)]
enum Request {
    Send(SocketAddr, Vec<u8>),
    Connect(SocketAddr),
    Join(IpAddr),
    Leave(IpAddr),
    Broadcast(bool),
}

/// Runs a test case on a new base until no bytes are left.
///
/// # Panics
/// If the core does something that its documentation excludes.
pub fn run(bytes: &[u8]) {
    let mut storage = Storage::<World, 0, 0, BYTES, 0, 0, 0, SOCKETS>::new();
    let mut base = EventBase::new(&mut storage);
    let bytes = Bytes::new(bytes);
    let mut world = World { bytes, sockets: Vec::new(), allocated: Vec::new(), counter: 0 };
    while !world.bytes.is_empty() {
        match world.bytes.below(8) {
            0 => world.bind(&mut base),
            1..=3 => world.call_function(&mut base),
            4 | 5 => world.report(&mut base),
            6 => base.dispatch(&mut world),
            _ => world.act(&mut base),
        }
        world.check(&mut base);
    }
    base.close_all();
    world.sockets.iter_mut().for_each(Shadow::close);
    world.act(&mut base);
    assert!(world.sockets.iter().all(|shadow| shadow.gone));
    assert_eq!(base.counts(), Counts::default());
}

impl World {
    fn address(&mut self) -> SocketAddr {
        let texts = ["10.0.0.1:1", "10.0.0.2:2", "[fe80::1%4]:3", "0.0.0.0:1", "10.0.0.1:0"];
        self.bytes.pick(texts).parse().unwrap()
    }

    /// Returns up to 69 equal bytes. Their value changes with each call.
    fn data(&mut self) -> Vec<u8> {
        self.counter = self.counter.wrapping_add(1);
        vec![self.counter; self.bytes.below(70)]
    }

    fn pick(&mut self) -> Option<usize> {
        let index = self.bytes.below(self.sockets.len());
        (!self.sockets.is_empty()).then_some(index)
    }

    fn bind(&mut self, base: &mut Base<'_>) {
        let rings = self.bytes.pick(RINGS);
        let taken = self.sockets.iter().filter(|shadow| !shadow.gone);
        let used = taken.clone().filter(|shadow| shadow.rings == rings).count();
        let is_free = self.allocated.iter().filter(|allocated| **allocated == rings).count() > used;
        let bytes: usize = self.allocated.iter().map(UdpRings::bytes).sum();
        let address = "10.0.0.9:9".parse().unwrap();
        match base.bind(address, rings, on_udp) {
            Ok(id) => {
                if !is_free {
                    assert!(self.allocated.len() < SOCKETS && bytes + rings.bytes() <= BYTES);
                    self.allocated.push(rings);
                }
                assert!(
                    self.sockets.iter().all(|shadow| shadow.id != id),
                    "a handle was used twice"
                );
                self.sockets.push(Shadow::new(id, rings));
            }
            Err(SetupError::Full(_)) => assert!(!is_free && self.allocated.len() == SOCKETS),
            Err(error) => {
                assert_eq!(error, SetupError::Bytes { left: BYTES - bytes });
                assert!(!is_free && bytes + rings.bytes() > BYTES);
            }
        }
    }

    /// Calls one function of a socket, as the application does.
    fn call_function(&mut self, cx: &mut Cx<'_, Self>) {
        let Some(index) = self.pick() else { return };
        let id = self.sockets[index].id;
        match cx.udp(id) {
            Ok(mut udp) => self.call_udp(index, &mut udp),
            Err(StaleError) => assert!(self.sockets[index].closed),
        }
    }

    fn call_udp(&mut self, index: usize, udp: &mut UdpMut<'_, '_, Self>) {
        let (address, data) = (self.address(), self.data());
        let group = self.bytes.pick(["224.0.0.1", "ff02::fb", "10.0.0.1"]).parse().unwrap();
        let is_usable = address.port() != 0 && !address.ip().is_unspecified();
        let invalid = Err(SendError::AddressInvalid);
        let verb = self.bytes.below(12);
        let shadow = &mut self.sockets[index];
        match verb {
            0..=2 if !is_usable => assert_eq!(udp.send_to(&data, address), invalid),
            0..=2 => {
                let sent = udp.send_to(&data, address);
                shadow.record_request(Request::Send(address, data), address, sent);
            }
            3 => match shadow.peer {
                Some(peer) => {
                    let sent = udp.send(&data);
                    shadow.record_request(Request::Send(peer, data), peer, sent);
                }
                None if shadow.closed => assert_eq!(udp.send(&data), Err(SendError::Closed)),
                None => assert_eq!(udp.send(&data), Err(SendError::NotConnected)),
            },
            4 if !is_usable => assert_eq!(udp.connect(address), invalid),
            4 => {
                let done = udp.connect(address);
                if shadow.record_request(Request::Connect(address), address, done) {
                    shadow.peer = Some(address);
                }
            }
            5 | 6 if !IpAddr::is_multicast(&group) => {
                assert_eq!(udp.join_multicast(group), invalid);
                assert_eq!(udp.leave_multicast(group), invalid);
            }
            5 => {
                let done = udp.join_multicast(group);
                shadow.record_request(Request::Join(group), (group, 1).into(), done);
            }
            6 => {
                let done = udp.leave_multicast(group);
                shadow.record_request(Request::Leave(group), (group, 1).into(), done);
            }
            7 => {
                let allowed = data.len() % 2 == 0;
                let done = udp.set_broadcast(allowed);
                shadow.record_request(Request::Broadcast(allowed), ([1; 4], 1).into(), done);
            }
            8 => {
                let mut buffer = [0; 20];
                let received = udp.receive_from(&mut buffer);
                let front = shadow.input.pop_front();
                assert_eq!(received.is_some(), front.is_some());
                if let (Some(received), Some((from, data, cut))) = (received, front) {
                    let len = data.len().min(20);
                    assert_eq!((received.from, received.len), (from, len));
                    assert_eq!(received.truncated, cut || data.len() > 20);
                    assert_eq!(buffer[..len], data[..len]);
                }
            }
            9 => {
                let was_some = shadow.input.pop_front().is_some();
                assert_eq!(udp.consume(), was_some);
            }
            10 => drop(udp.set_priority(Priority::new(data.len() as u8 % 8).unwrap())),
            _ if data.len() % 4 == 0 => {
                udp.close();
                shadow.close();
            }
            _ => {}
        }
    }

    fn report(&mut self, base: &mut Base<'_>) {
        let Some(index) = self.pick() else { return };
        let (from, data) = (self.address(), self.data());
        let report = self.bytes.below(8);
        let shadow = &mut self.sockets[index];
        match report {
            0..=3 => {
                let header = if from.is_ipv6() { 25 } else { 9 };
                let most = shadow.ring_sizes().0 - header.min(shadow.ring_sizes().0);
                let taken = base.received_from(shadow.id, from, &data);
                let is_peer =
                    |peer: SocketAddr| (peer.ip(), peer.port()) == (from.ip(), from.port());
                if shadow.closed || shadow.peer.is_some_and(|peer| !is_peer(peer)) {
                    assert!(taken, "a datagram that is discarded must be accepted");
                } else if taken {
                    let kept = data[..data.len().min(most)].to_vec();
                    let is_cut = kept.len() < data.len();
                    shadow.input.push_back((from, kept, is_cut));
                } else {
                    assert!(!shadow.input.is_empty(), "an empty ring refused a record that fits");
                }
            }
            4 => {
                let done = if data.len() % 2 == 0 { Ok(()) } else { Err(UdpError::Unreachable) };
                base.udp_done(shadow.id, done);
                shadow.done(done);
            }
            5 => {
                base.udp_failed(shadow.id, UdpError::Refused);
                shadow.fail(UdpError::Refused);
            }
            6 => {
                base.input_dropped(shadow.id);
                if !shadow.closed {
                    shadow.dropped.input += 1;
                }
            }
            _ if shadow.bound.is_none() && data.len() % 8 == 0 => {
                base.bind_failed(shadow.id, UdpError::InUse);
                shadow.record_bind_failure();
            }
            _ => {
                let room = base.has_udp_room(shadow.id, data.len());
                assert!(room || shadow.closed || !shadow.input.is_empty());
            }
        }
    }

    /// Takes all actions from the base, checks them, and performs them.
    fn act(&mut self, base: &mut Base<'_>) {
        while let Some(action) = base.next_action() {
            let Action::Udp(id, action) = action else {
                panic!("{action:?} is not for a UDP socket")
            };
            let shadow = self.sockets.iter_mut().rfind(|shadow| shadow.id == id).unwrap();
            assert!(!shadow.gone, "{action:?} was requested after the end of the socket");
            match action {
                UdpAction::Bind if shadow.failed => {}
                UdpAction::Bind => {
                    let address = base.udp_address_of(id).unwrap();
                    base.bound(id, address);
                    shadow.bound = Some(address);
                }
                UdpAction::ReceiveFrom => assert!(!shadow.closed),
                UdpAction::SendTo => {
                    assert!(!shadow.output.is_empty());
                    assert_eq!(base.is_udp_closed(id), shadow.closed);
                }
                UdpAction::Unbind => {
                    assert!(shadow.closed);
                    shadow.gone = true;
                }
            }
        }
    }

    fn check(&mut self, base: &mut Base<'_>) {
        for shadow in &self.sockets {
            let request = base.udp_request(shadow.id).map(Request::of);
            let expected = shadow.output.front().filter(|_| !shadow.gone).cloned();
            assert_eq!(request, expected);
            let Ok(udp) = base.udp(shadow.id) else {
                assert!(shadow.closed);
                continue;
            };
            assert!(!shadow.closed);
            let front = udp.peek().map(|found| (found.from, found.data.to_vec(), found.truncated));
            assert_eq!(front, shadow.input.front().cloned());
            assert_eq!((udp.peer_addr(), udp.local_addr()), (shadow.peer, shadow.bound));
            assert_eq!(udp.dropped(), shadow.dropped);
        }
        let taken = self.sockets.iter().filter(|shadow| !shadow.gone).count();
        assert_eq!(base.counts().udp, taken);
        let open = self.sockets.iter().filter(|shadow| !shadow.closed).count();
        assert_eq!(base.udp_sockets().count(), open);
    }
}

/// The callback of every socket.
fn on_udp(world: &mut World, udp: &mut UdpMut<'_, '_, World>, event: UdpEvent) {
    let id = udp.id();
    let index = world.sockets.iter().rposition(|shadow| shadow.id == id).unwrap();
    let shadow = &mut world.sockets[index];
    assert!(!shadow.closed, "a callback ran after the end of the socket");
    match event {
        UdpEvent::Readable => assert!(!shadow.input.is_empty()),
        UdpEvent::Writable => assert!(std::mem::take(&mut shadow.refused)),
        UdpEvent::Failed(error) => assert_eq!(shadow.error.take(), Some(error)),
    }
    for _ in 0..world.bytes.below(4) {
        world.call_udp(index, udp);
        if world.bytes.coin() {
            world.call_function(udp.cx());
        }
    }
}

impl Request {
    fn of(request: UdpRequest<'_>) -> Self {
        match request {
            UdpRequest::Send(to, data) => Self::Send(to, data.to_vec()),
            UdpRequest::Connect(peer) => Self::Connect(peer),
            UdpRequest::Join(group) => Self::Join(group),
            UdpRequest::Leave(group) => Self::Leave(group),
            UdpRequest::Broadcast(allowed) => Self::Broadcast(allowed),
        }
    }
}

impl Shadow {
    fn new(id: UdpSocket, rings: UdpRings) -> Self {
        Self {
            id,
            rings,
            input: VecDeque::new(),
            output: VecDeque::new(),
            peer: None,
            bound: None,
            failed: false,
            closed: false,
            gone: false,
            refused: false,
            error: None,
            dropped: Dropped::default(),
        }
    }

    /// Returns the sizes of the socket's rings.
    fn ring_sizes(&self) -> (usize, usize) {
        let sizes = [(25, 60), (60, 25), (40, 40)];
        let index = RINGS.iter().position(|rings| *rings == self.rings);
        sizes[index.unwrap()]
    }

    /// Checks and records a request. Returns whether the request was queued.
    fn record_request(
        &mut self,
        request: Request,
        address: SocketAddr,
        done: Result<(), SendError>,
    ) -> bool {
        let header = if address.is_ipv6() { 25 } else { 9 };
        let most = self.ring_sizes().1 - header;
        let length = if let Request::Send(_, data) = &request { data.len() } else { 0 };
        if self.closed || self.failed {
            assert_eq!(done, Err(SendError::Closed));
        } else if length > most {
            assert_eq!(done, Err(SendError::TooLong { most }));
        } else if self.output.is_empty() {
            assert_eq!(done, Ok(()), "an empty ring refused a record that fits");
        }
        match done {
            Ok(()) => self.output.push_back(request),
            Err(error) => self.refused |= error == SendError::Full,
        }
        done.is_ok()
    }

    fn done(&mut self, done: Result<(), UdpError>) {
        if self.gone {
            return;
        }
        let request = self.output.pop_front();
        if let Err(error) = done {
            let datagram = matches!(request, Some(Request::Send(..)));
            self.dropped.output += u32::from(datagram);
            self.fail(error);
        }
    }

    fn fail(&mut self, error: UdpError) {
        if !self.closed {
            self.error = Some(error);
        }
    }

    fn record_bind_failure(&mut self) {
        if self.gone {
            return;
        }
        let datagrams = self.output.iter().filter(|request| matches!(request, Request::Send(..)));
        self.dropped.output += datagrams.count() as u32;
        self.output.clear();
        if !self.closed && !self.failed {
            self.failed = true;
            self.fail(UdpError::InUse);
        }
    }

    fn close(&mut self) {
        self.closed = true;
        self.input.clear();
    }
}
