//! A UDP client: sends its requests one after another, and repeats each request until the request is answered.

use std::net::SocketAddr;

use smoltcp::iface::SocketHandle;
use smoltcp::socket::udp::{PacketBuffer, PacketMetadata, Socket};

use crate::world::choices::choice_log::ChoiceLog;
use crate::world::choices::choice_point::{ChoicePoint, MAX_START, Stream};
use crate::world::choices::kinds::UdpBehaviour;
use crate::world::network::ether::Ether;
use crate::world::observe::observer::UdpClientEvent;
use crate::world::peers::answers::UdpService;
use crate::world::peers::script::{Choices, UDP_CLIENTS_FROM};

/// The time until an unanswered request is sent again for the first time, in microseconds. The time doubles with each
/// of the next [`STEPS`] tries. The first time is longer than the time for address resolution, because a stack repeats
/// an unanswered ARP or NDP request after one second.
const FIRST_WAIT: u64 = 3_000_000;
/// The number of times that [`FIRST_WAIT`] doubles.
const STEPS: u32 = 2;
/// The time to wait after a request that must not be answered, in microseconds.
const PAUSE: u64 = 100_000;
/// The longest delay of a datagram in microseconds, long enough for the next datagram to overtake it.
const LATEST: u64 = 5_000_000;
/// The maximum number of additional copies in a flood.
const COPIES: u64 = 32;
/// The size of a socket's buffers in bytes.
const BUFFER: usize = 16_384;

pub(crate) struct UdpClient {
    pub(crate) number: u32,
    pub(crate) behaviour: UdpBehaviour,
    /// The port of the device to which the client sends.
    pub(crate) target_port: u16,
    pub(crate) over_ipv6: bool,
    pub(crate) socket: Option<SocketHandle>,
    /// The time of the client's next poll, if nothing arrives.
    pub(crate) wake: u64,
    /// The time at which the client sends the current request for the first time, or sends it again.
    sends_at: u64,
    /// The time of the client's first request.
    start: u64,
    /// The time from the first request until all requests of the client were answered, in microseconds.
    pub(crate) waited: u64,
    pub(crate) served: bool,
    /// The client had to send a request again.
    pub(crate) has_resent: bool,
    /// The share of the client's datagrams that are affected by `behaviour`, in thousandths.
    severity: u64,
    requests: Vec<Vec<u8>>,
    /// The index of the current request. The client waits for the answer to this request.
    next: usize,
    /// The number of times that the current request was sent.
    tries: u32,
    /// The local port.
    port: u16,
    /// Delayed datagrams, with the times at which they are sent.
    held: Vec<(u64, Vec<u8>)>,
}

impl UdpClient {
    /// Chooses the client with this number.
    pub(crate) fn choose(
        choice_log: &mut ChoiceLog,
        number: u32,
        services: &[UdpService],
        has_ipv6: bool,
    ) -> Self {
        let mut choose = |point, generate: &dyn Fn(&mut _) -> u64| {
            choice_log.choose_for(Stream::UdpClient, point, number, generate)
        };
        let kind = choose(ChoicePoint::Kind, &|random| match random.chance(600) {
            true => random.below(UdpBehaviour::ALL.len() as u64),
            false => 0,
        });
        let start = choose(ChoicePoint::Start, &|random| match random.below(3) {
            0 => 0,
            1 => random.below(2_000),
            _ => random.spread(1_000, 8_000_000),
        });
        let behaviour = UdpBehaviour::of_answer(kind);
        let severity = match behaviour {
            UdpBehaviour::Normal => 0,
            _ => choose(ChoicePoint::Severity, &|random| random.between(50, 1_000)),
        };
        let over_ipv6 = has_ipv6 && choose(ChoicePoint::OverIpv6, &|random| random.below(2)) > 0;
        let mut choices = Choices::new(choice_log, UDP_CLIENTS_FROM + number);
        let service = match services.len() {
            0 | 1 => 0,
            services => choices.up_to(services as u64 - 1) as usize,
        };
        let service = services.get(service);
        let start = start.min(MAX_START);
        Self {
            number,
            behaviour,
            target_port: service.map_or(0, |service| service.port),
            over_ipv6,
            socket: None,
            wake: start,
            sends_at: start,
            start,
            waited: 0,
            served: false,
            has_resent: false,
            severity,
            requests: service.map(|service| service.requests(&mut choices)).unwrap_or_default(),
            next: 0,
            tries: 0,
            port: 0,
            held: Vec::new(),
        }
    }

    /// Returns a new UDP socket that is bound to this port.
    pub(crate) fn socket(port: u16) -> Socket<'static> {
        let buffer = || PacketBuffer::new(vec![PacketMetadata::EMPTY; 64], vec![0; BUFFER]);
        let mut socket = Socket::new(buffer(), buffer());
        socket.bind(port).expect("a new socket can be bound to a port that is not 0");
        socket
    }

    /// Makes the client use this socket, which is bound to this port. Called at the start, and after each
    /// [`restart`](Self::restart).
    pub(crate) fn begin(&mut self, socket: SocketHandle, port: u16) {
        (self.socket, self.port, self.tries) = (Some(socket), port, 0);
    }

    /// Discards the client's socket. The client will continue with a new socket.
    pub(crate) fn restart(&mut self, now: u64) {
        self.sends_at = if self.served { u64::MAX } else { now };
        (self.socket, self.wake) = (None, self.sends_at);
        self.held.clear();
    }

    /// Does the work that is possible now. Returns the event to report to the observer, if there is one.
    pub(crate) fn work(
        &mut self,
        socket: &mut Socket<'_>,
        device: SocketAddr,
        service: &UdpService,
        (now, quiet): (u64, bool),
        ether: &mut Ether,
    ) -> Option<UdpClientEvent> {
        let event = self.go_on(socket, device, service, (now, quiet), ether);
        self.wake = self.held.iter().map(|(at, _)| *at).fold(self.sends_at, u64::min);
        event
    }

    fn go_on(
        &mut self,
        socket: &mut Socket<'_>,
        device: SocketAddr,
        service: &UdpService,
        (now, quiet): (u64, bool),
        ether: &mut Ether,
    ) -> Option<UdpClientEvent> {
        let mut answered = false;
        while let Ok((answer, _)) = socket.recv() {
            let request = self.requests.get(self.next);
            if !answered && request.is_some_and(|request| service.is_answer(request, answer)) {
                answered = true;
            }
        }
        self.held.retain(|(at, datagram)| {
            if *at <= now {
                // If the buffer is full, the datagram is lost, as on a network.
                let _ = socket.send_slice(datagram, device);
            }
            *at > now
        });
        let request = self.requests.get(self.next);
        let has_no_answer = request.is_some_and(|request| !service.is_answered(request));
        if answered || has_no_answer && self.tries > 0 && self.sends_at <= now {
            (self.next, self.tries, self.sends_at) = (self.next + 1, 0, now);
        }
        let Some(request) = self.requests.get(self.next) else {
            self.sends_at = u64::MAX;
            if std::mem::replace(&mut self.served, true) {
                return None;
            }
            self.waited = now - self.start;
            return Some(UdpClientEvent::IsServed(self.waited));
        };
        if self.sends_at > now {
            return None;
        }
        let (length, again) = (request.len(), self.tries > 0);
        let wait = match service.is_answered(request) {
            true => FIRST_WAIT << self.tries.min(STEPS),
            false => PAUSE,
        };
        let request = request.clone();
        self.send(&request, socket, device, (now, quiet), ether);
        self.tries += 1;
        self.sends_at = now + wait;
        self.has_resent |= again;
        Some(UdpClientEvent::Requests { port: self.port, length, again })
    }

    /// Sends a datagram according to the client's behaviour.
    fn send(
        &mut self,
        datagram: &[u8],
        socket: &mut Socket<'_>,
        device: SocketAddr,
        (now, quiet): (u64, bool),
        ether: &mut Ether,
    ) {
        let severity = if quiet { 0 } else { self.severity };
        let how = match severity {
            0 => 0,
            odds => ether.choice_log.choose(Stream::Datagram, ChoicePoint::Affected, |random| {
                if random.chance(odds) { random.spread(1, LATEST) } else { 0 }
            }),
        };
        // If the buffer is full, the datagram is lost, as on a network.
        let mut send = |bytes: &[u8]| {
            let _ = socket.send_slice(bytes, device);
        };
        match self.behaviour {
            _ if how == 0 => send(datagram),
            UdpBehaviour::Normal => send(datagram),
            UdpBehaviour::Loss => {}
            UdpBehaviour::Duplication => [datagram; 2].into_iter().for_each(send),
            UdpBehaviour::Reordering => self.held.push((now + how.min(LATEST), datagram.to_vec())),
            UdpBehaviour::Cut => {
                let left = (how as usize - 1).min(datagram.len().saturating_sub(1));
                send(datagram.get(..left).unwrap_or_default());
            }
            UdpBehaviour::BadChecksum => {
                ether.bad_checksums.push(self.port);
                send(datagram);
            }
            UdpBehaviour::Flood => (0..=how.min(COPIES)).for_each(|_| send(datagram)),
        }
    }
}
