//! A network in virtual time. All hosts receive the datagrams that are sent to the multicast group.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use picoevent::{
    Action, Cx, EventBase, Instant, Storage, UdpAction, UdpError, UdpRequest, UdpSocket, Wait,
};
use picoevent_dns::mdns::{
    Browser, BrowserMut, FoundService, HasBrowser, HasMdns, Responder, ServiceEvent,
};

/// The storage of a device: a timer for the responder, a timer for the browser, and a socket. A second socket is for
/// another application on the device.
pub type DeviceStorage = Storage<Device, 2, 0, 8_192, 0, 0, 0, 2>;

/// The application of a device.
#[derive(Default)]
pub struct Device {
    pub responder: Responder,
    /// The names that the device has had.
    pub names: Vec<String>,
    /// The browser with which the device finds services.
    pub browser: Browser<2>,
    /// The service events that it has received.
    pub events: Vec<Event>,
}

/// A service event of a device: the event, and the service as text.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub at: Instant,
    pub what: &'static str,
    pub service: String,
}

/// Returns a service as text: its name, host, port, addresses and texts.
fn description(service: &FoundService) -> String {
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
        let (what, index) = match event {
            ServiceEvent::Found(index) => ("found", index),
            ServiceEvent::Changed(index) => ("changed", index),
            ServiceEvent::Lost(index) => ("lost", index),
        };
        let service = description(self.browser().get(index).expect("there is a service"));
        self.events.push(Event { at: cx.now(), what, service });
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
    /// Whether another program on the device uses the port, so a bind fails.
    pub is_port_in_use: bool,
    sockets: Vec<(UdpSocket, u16, bool)>,
}

impl<'s> Host<'s> {
    pub fn new(storage: &'s mut DeviceStorage, last: u8, seed: u8) -> Self {
        let ip = Ipv4Addr::new(192, 0, 2, last);
        let mut base = EventBase::new(storage);
        base.seed(&[seed; 32]);
        let mut device = Device::default();
        device.responder.set_addresses(&[ip.into()]);
        Self { base, device, ip, is_port_in_use: false, sockets: Vec::new() }
    }

    /// Runs the loop until it waits for a later time. Returns the datagrams sent.
    fn run(&mut self, now: Instant) -> Vec<Sent> {
        let mut sent = Vec::new();
        self.base.advance(now);
        loop {
            while let Some(action) = self.base.next_action() {
                let Action::Udp(socket, action) = action else { continue };
                match action {
                    UdpAction::Bind if self.is_port_in_use => {
                        self.base.bind_failed(socket, UdpError::InUse);
                    }
                    UdpAction::Bind => {
                        let address = self.base.udp_address_of(socket).unwrap();
                        self.sockets.push((socket, address.port(), false));
                        self.base.bound(socket, address);
                    }
                    UdpAction::SendTo => self.send(socket, now, &mut sent),
                    UdpAction::Unbind => self.sockets.retain(|(bound, ..)| *bound != socket),
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
        let entry = self.sockets.iter_mut().find(|(bound, ..)| *bound == socket).unwrap();
        while let Some(request) = self.base.udp_request(socket) {
            match request {
                UdpRequest::Join(_) => entry.2 = true,
                UdpRequest::Send(to, bytes) => {
                    let from = (self.ip, entry.1).into();
                    sent.push(Sent { at, from, to, bytes: bytes.to_vec() });
                }
                _ => {}
            }
            self.base.udp_done(socket, Ok(()));
        }
    }

    /// Delivers a datagram to each socket of the host that is bound to the destination port. A datagram to the
    /// multicast group is delivered only to sockets that have joined the group.
    pub fn deliver(&mut self, message: &Sent) {
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

/// Runs the devices for the time `length`. Each datagram is delivered one millisecond after it was sent. `answer` is
/// called for each datagram, and returns the datagrams with which other hosts answer.
pub fn run(
    hosts: &mut [Host<'_>],
    from: Instant,
    length: Duration,
    mut answer: impl FnMut(&Sent) -> Vec<Sent>,
) -> Vec<Sent> {
    let mut all = Vec::new();
    let mut in_flight: Vec<Sent> = Vec::new();
    for millis in 0..=length.as_millis() as u64 {
        let now = from.after(Duration::from_millis(millis));
        let arrived: Vec<_> = in_flight.extract_if(.., |message| message.at < now).collect();
        for message in &arrived {
            hosts.iter_mut().for_each(|host| host.deliver(message));
        }
        for host in hosts.iter_mut() {
            for message in host.run(now) {
                for mut reply in answer(&message) {
                    reply.at = now;
                    in_flight.push(reply);
                }
                in_flight.push(message.clone());
                all.push(message);
            }
        }
    }
    all
}
