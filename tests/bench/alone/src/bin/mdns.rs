//! An mDNS responder for a host and a service. `cargo xtask size` measures the code of the crate `picoevent_dns` in
//! this image.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::net::{Ipv4Addr, SocketAddr};

use picoevent::{Action, Cx, EventBase, Storage, UdpAction, UdpRequest};
use picoevent_alone::run;
use picoevent_dns::mdns::{self, HasMdns, Responder, Service};
use static_cell::ConstStaticCell;

/// The application.
pub struct App {
    responder: Responder,
}

impl HasMdns for App {
    fn mdns(&mut self) -> &mut Responder {
        &mut self.responder
    }

    fn named(&mut self, _: &mut Cx<'_, Self>) {
        black_box(self.responder.name());
    }
}

static STORAGE: ConstStaticCell<Storage<App, 1, 0, 4_096, 0, 0, 0, 1>> =
    ConstStaticCell::new(Storage::new());
static APP: ConstStaticCell<App> = ConstStaticCell::new(App { responder: Responder::new() });

const SERVICES: &[Service] = &[Service { kind: "_http._tcp", port: 80, text: &["path=/"] }];

/// The image's entry.
// SAFETY: no other function has this name.
#[unsafe(no_mangle)]
pub extern "C" fn image() {
    let mut base = EventBase::new(STORAGE.take());
    let app = APP.take();
    base.seed(&black_box([1; 32]));
    app.responder.set_addresses(&[black_box(Ipv4Addr::LOCALHOST).into()]);
    black_box(mdns::announce(app, &mut base, black_box("a"), SERVICES).is_ok());
    run(&mut base, app, act);
}

/// Performs an action, and at once reports to the base that the action succeeded.
fn act(base: &mut EventBase<'_, App>, action: Action) {
    let from = SocketAddr::from((Ipv4Addr::LOCALHOST, black_box(5353)));
    match black_box(action) {
        Action::Udp(socket, UdpAction::Bind) => base.bound(socket, from),
        Action::Udp(socket, UdpAction::SendTo) => {
            if let Some(UdpRequest::Send(peer, data)) = base.udp_request(socket) {
                black_box((peer, data));
            }
            base.udp_done(socket, Ok(()));
            black_box(base.received_from(socket, from, black_box(b"question")));
        }
        _ => {}
    }
}
