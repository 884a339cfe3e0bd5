//! A resolver, an SNTP client, and a connection by name. `cargo xtask size` measures the code of the crates
//! `picoevent_dns` and `picoevent_sntp` in this image.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use picoevent::{Action, ConnMut, Cx, EventBase, Pool, Protocol, Storage, UdpAction, UdpRequest};
use picoevent_alone::run;
use picoevent_dns::{
    self as dns, Addresses, HasResolver, Lookup, LookupError, Resolver, ResolverMut,
};
use picoevent_sntp::{self as sntp, Client, HasClock, SyncError, Synced};
use static_cell::ConstStaticCell;

const UPLINK: Pool = Pool::new(2).rings(512, 128);

/// The application.
pub struct App {
    names: Resolver<App, 2, 4>,
    clock: Client,
}

impl HasResolver for App {
    fn resolver(&mut self) -> ResolverMut<'_, Self> {
        self.names.as_mut()
    }
}

impl HasClock for App {
    fn clock(&mut self) -> &mut Client {
        &mut self.clock
    }

    fn synced(&mut self, cx: &mut Cx<'_, Self>, result: Result<Synced, SyncError>) {
        black_box((self.clock.wall(cx.now()), result.is_ok()));
    }
}

struct Uplink;

impl Protocol<App> for Uplink {
    fn readable(app: &mut App, conn: &mut ConnMut<'_, '_, App>) {
        black_box(dns::connect_again(app, conn, Duration::from_secs(1), black_box("a"), 7).is_ok());
    }
}

fn found(_: &mut App, _: &mut Cx<'_, App>, _: Lookup, answer: Result<Addresses, LookupError>) {
    black_box(answer.is_ok());
}

static STORAGE: ConstStaticCell<
    Storage<App, 2, { UPLINK.conns() }, { UPLINK.bytes() + 4_096 }, 0, 1, 0, 3>,
> = ConstStaticCell::new(Storage::new());
static APP: ConstStaticCell<App> =
    ConstStaticCell::new(App { names: Resolver::new(), clock: Client::new() });

/// The image's entry.
// SAFETY: no other function has this name.
#[unsafe(no_mangle)]
pub extern "C" fn image() {
    let mut base = EventBase::new(STORAGE.take());
    let app = APP.take();
    base.seed(&black_box([1; 32]));
    let Ok(pool) = base.add_pool(UPLINK) else { return };
    app.names.set_servers(&[server(53)]);
    app.names.set_tcp_pool(pool);
    black_box(dns::resolve(app, &mut base, black_box("a"), None, found).is_ok());
    black_box(dns::connect::<_, Uplink>(app, &mut base, black_box("a"), 7, pool).is_ok());
    black_box(sntp::start_by_name(app, &mut base, "time", Duration::from_secs(60)).is_ok());
    run(&mut base, app, act);
}

fn server(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, black_box(port)).into()
}

/// Performs an action, and at once reports to the base that the action succeeded.
fn act(base: &mut EventBase<'_, App>, action: Action) {
    match black_box(action) {
        Action::Connect(conn) => base.connected(conn),
        Action::Receive(conn) => base.received(conn, black_box(7)),
        Action::Send(conn) => base.sent(conn, black_box(7)),
        Action::End(conn) => base.delivered(conn),
        Action::Udp(socket, UdpAction::Bind) => base.bound(socket, server(1)),
        Action::Udp(socket, UdpAction::SendTo) => {
            if let Some(UdpRequest::Send(peer, data)) = base.udp_request(socket) {
                black_box((peer, data));
            }
            base.udp_done(socket, Ok(()));
            black_box(base.received_from(socket, server(53), black_box(b"answer")));
        }
        _ => {}
    }
}
