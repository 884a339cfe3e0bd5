//! A network in virtual time. All hosts receive what is sent to the multicast group.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use picoevent::{Action, Cx, EventBase, Instant, Storage, UdpAction, UdpRequest, UdpSocket, Wait};
use picoevent_dns::mdns::{
    Browser, BrowserMut, FoundService, HasBrowser, HasMdns, Responder, ServiceEvent,
};

/// The storage of a device: a timer for the responder, a timer for the browser, and a socket. A second socket is for
/// another application on the device.
pub type Room = Storage<Device, 2, 0, 8_192, 0, 0, 0, 2>;

/// The application of a device.
#[derive(Default)]
pub struct Device {
    pub responder: Responder,
    /// The names that the device has had.
    pub names: Vec<String>,
    /// The browser with which the device finds services.
    pub browser: Browser<2>,
    /// The service events that it has received.
    pub told: Vec<Told>,
}

/// A service event of a device: the event, and the service as text.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub at: Instant,
    pub what: &'static str,
    pub service: String,
}

/// Returns a service as text: its name, host, port, addresses and texts.
fn described(service: &FoundService) -> String {
    let addresses: Vec<_> = service.addresses().map(|address| address.to_string()).collect();
    let texts: Vec<_> = service.texts().map(|text| String::from_utf8_lossy(text)).collect();
    let (instance, host, port) = (service.instance(), service.host(), service.port());
    format!("{instance} {host}:{port} {} {}", addresses.join(","), texts.join(","))
        .trim()
        .to_owned()
}

impl HasBrowser for Device {
    fn browser(&mut self) -> BrowserMut<'_> {
        self.browser.as_mut()
    }

    fn service(&mut self, cx: &mut Cx<Self>, event: ServiceEvent) {
        let (what, place) = match event {
            ServiceEvent::Found(place) => ("found", place),
            ServiceEvent::Changed(place) => ("changed", place),
            ServiceEvent::Lost(place) => ("lost", place),
        };
        let service = described(self.browser().get(place).expect("there is a service"));
        self.told.push(Told { at: cx.now(), what, service });
    }
}

impl HasMdns for Device {
    fn mdns(&mut self) -> &mut Responder {
        &mut self.responder
    }

    fn named(&mut self, _: &mut Cx<Self>) {
        self.names.push(self.responder.name().unwrap().to_owned());
    }
}

/// A datagram that was sent, with its time, source and destination.
#[derive(Clone, Debug)]
pub struct Sent {
    pub at: Instant,
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub bytes: Vec<u8>,
}

/// A device on the network.
pub struct Host<'s> {
    pub base: EventBase<'s, Device>,
    pub device: Device,
    pub ip: Ipv4Addr,
    sockets: Vec<(UdpSocket, u16, bool)>,
}

impl<'s> Host<'s> {
    pub fn new(room: &'s mut Room, last: u8, seed: u8) -> Self {
        let ip = Ipv4Addr::new(192, 0, 2, last);
        let mut base = EventBase::new(room);
        base.seed(&[seed; 32]);
        let mut device = Device::default();
        device.responder.set_addresses(&[ip.into()]);
        Self { base, device, ip, sockets: Vec::new() }
    }

    /// Runs the loop until it waits for a later time. Returns the datagrams sent.
    fn run(&mut self, now: Instant) -> Vec<Sent> {
        let mut sent = Vec::new();
        self.base.advance(now);
        loop {
            while let Some(action) = self.base.next_action() {
                let Action::Udp(socket, action) = action else { continue };
                match action {
                    UdpAction::Bind => {
                        let address = self.base.udp_address_of(socket).unwrap();
                        self.sockets.push((socket, address.port(), false));
                        self.base.bound(socket, address);
                    }
                    UdpAction::SendTo => self.send(socket, now, &mut sent),
                    UdpAction::Unbind => self.sockets.retain(|(held, ..)| *held != socket),
                    UdpAction::ReceiveFrom => {}
                }
            }
            self.base.dispatch(&mut self.device);
            match self.base.wait() {
                Wait::Not => {}
                Wait::Until(next) if next <= now => {}
                _ => return sent,
            }
        }
    }

    fn send(&mut self, socket: UdpSocket, at: Instant, sent: &mut Vec<Sent>) {
        let place = self.sockets.iter_mut().find(|(held, ..)| *held == socket).unwrap();
        while let Some(request) = self.base.udp_request(socket) {
            match request {
                UdpRequest::Join(_) => place.2 = true,
                UdpRequest::Send(to, bytes) => {
                    let from = (self.ip, place.1).into();
                    sent.push(Sent { at, from, to, bytes: bytes.to_vec() });
                }
                _ => {}
            }
            self.base.udp_done(socket, Ok(()));
        }
    }

    /// Delivers a datagram to its socket.
    pub fn hear(&mut self, message: &Sent) {
        for (socket, port, has_joined) in &self.sockets {
            let is_ours = match message.to.ip().is_multicast() {
                true => *has_joined && message.from.ip() != self.ip,
                false => message.to.ip() == self.ip,
            };
            if is_ours && *port == message.to.port() {
                assert!(self.base.received_from(*socket, message.from, &message.bytes));
            }
        }
    }
}

/// Runs the devices for the time `length`. Each datagram is delivered one millisecond after it was sent. `hear` is
/// called for each datagram, and returns the datagrams with which other hosts answer.
pub fn run(
    hosts: &mut [Host<'_>],
    from: Instant,
    length: Duration,
    mut hear: impl FnMut(&Sent) -> Vec<Sent>,
) -> Vec<Sent> {
    let mut all = Vec::new();
    let mut under_way: Vec<Sent> = Vec::new();
    for millis in 0..=length.as_millis() as u64 {
        let now = from.after(Duration::from_millis(millis));
        let arrived: Vec<_> = under_way.extract_if(.., |message| message.at < now).collect();
        for message in &arrived {
            hosts.iter_mut().for_each(|host| host.hear(message));
        }
        for host in hosts.iter_mut() {
            for message in host.run(now) {
                for mut answer in hear(&message) {
                    answer.at = now;
                    under_way.push(answer);
                }
                under_way.push(message.clone());
                all.push(message);
            }
        }
    }
    all
}
