//! `cargo fuzz run mdns`: splits byte strings from libFuzzer into messages from neighbours, and passes them to a
//! responder and a browser.

#![no_main]

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use picoevent::{Action, Cx, EventBase, Instant, Storage, UdpAction, UdpRequest, UdpSocket, Wait};
use picoevent_dns::mdns::{
    self, Browser, BrowserMut, HasBrowser, HasMdns, Responder, Service, ServiceEvent,
};

struct App {
    responder: Responder,
    browser: Browser<2>,
    found: [bool; 2],
}

impl HasMdns for App {
    fn mdns(&mut self) -> &mut Responder {
        &mut self.responder
    }

    fn named(&mut self, _: &mut Cx<Self>) {
        assert!(self.responder.name().is_some_and(|name| name.starts_with("pump")));
    }
}

impl HasBrowser for App {
    fn browser(&mut self) -> BrowserMut<'_> {
        self.browser.as_mut()
    }

    fn service(&mut self, _: &mut Cx<Self>, event: ServiceEvent) {
        let (index, was_found, is_found) = match event {
            ServiceEvent::Found(index) => (index, false, true),
            ServiceEvent::Changed(index) => (index, true, true),
            ServiceEvent::Lost(index) => (index, true, false),
        };
        let service =
            self.browser.as_mut().get(index).expect("the event reports a service that exists");
        assert!(!service.host().is_empty() && service.addresses().next().is_some());
        let _ = (service.texts().count(), service.value("v"), service.instance(), service.port());
        let entry = &mut self.found[usize::from(index)];
        assert!(*entry == was_found, "each service is found once, and lost once");
        *entry = is_found;
    }
}

const SERVICES: &[Service] = &[Service { kind: "_http._tcp", port: 80, text: &["v=1"] }];

/// Performs the actions of the base and runs callbacks, until the base has nothing more to do now.
fn settle(base: &mut EventBase<'_, App>, app: &mut App, socket: &mut Option<UdpSocket>) {
    for _ in 0..1_000 {
        while let Some(action) = base.next_action() {
            let Action::Udp(udp, action) = action else { continue };
            match action {
                UdpAction::Bind => {
                    *socket = Some(udp);
                    base.bound(udp, (Ipv4Addr::UNSPECIFIED, 5353).into());
                }
                UdpAction::SendTo => {
                    while let Some(request) = base.udp_request(udp) {
                        if let UdpRequest::Send(_, bytes) = request {
                            picoevent_dns::wire::Message::parse(bytes)
                                .expect("the message is valid");
                        }
                        base.udp_done(udp, Ok(()));
                    }
                }
                _ => {}
            }
        }
        base.dispatch(app);
        if !matches!(base.wait(), Wait::Not) {
            return;
        }
    }
    panic!("the base still has work after 1,000 passes");
}

fuzz_target!(|bytes: &[u8]| {
    let mut storage = Box::new(Storage::<App, 2, 0, 8_192, 0, 0, 0, 1>::new());
    let mut base = EventBase::new(&mut *storage);
    base.seed(&[1; 32]);
    let mut app = App { responder: Responder::new(), browser: Browser::new(), found: [false; 2] };
    app.responder.set_addresses(&[Ipv4Addr::new(192, 0, 2, 7).into()]);
    mdns::announce(&mut app, &mut base, "pump", SERVICES).expect("the base has room");
    mdns::browse(&mut app, &mut base, "_http._tcp").expect("the base has room");
    let (mut now, mut socket, mut rest) = (Instant::ZERO, None, bytes);
    // Three bytes precede each message: its length, the delay before it, and its source port.
    while let Some(([length, time, port], after)) = rest.split_first_chunk() {
        settle(&mut base, &mut app, &mut socket);
        now = now.after(Duration::from_millis(u64::from(*time).pow(2) * 4));
        base.advance(now);
        settle(&mut base, &mut app, &mut socket);
        let length = usize::from(*length).min(after.len());
        let (message, after) = after.split_at(length);
        let from = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 9), 5353 + u16::from(*port & 1)));
        let socket = socket.expect("the socket is bound");
        base.received_from(socket, from, message);
        rest = after;
    }
    settle(&mut base, &mut app, &mut socket);
});
