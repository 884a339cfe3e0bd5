//! proxy on a board under QEMU.

#![no_std]
#![no_main]

use core::net::{Ipv4Addr, SocketAddr};

use board::{UPSTREAM, spawn_only};
use embassy_net::{Stack, StackResources};
use picoevent::{EventBase, Pool, Signal, Storage, Trigger};
use picoevent_embassy::{Config, Sockets, run};
use proxy::{PORT, Proxy, pools};
use static_cell::{ConstStaticCell, StaticCell};

const CLIENTS: u16 = 4;
const POOLS: [Pool; 2] = pools(CLIENTS, 1024);

type App = Proxy<{ CLIENTS as usize }>;
type Memory = Storage<App, 1, { Pool::all_conns(&POOLS) }, { Pool::all_bytes(&POOLS) }, 1, 2>;

static INTERRUPT: Trigger = Trigger::new(Signal::INT);
/// One socket for each connection of the pools, one for the listener, and one for DHCP.
static RESOURCES: StaticCell<StackResources<10>> = StaticCell::new();
static SOCKETS: ConstStaticCell<Sockets<9, 512, 512>> = ConstStaticCell::new(Sockets::new());
static MEMORY: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::new());
static PROXY: StaticCell<App> = StaticCell::new();

#[board::entry]
fn main() -> ! {
    board::run(RESOURCES.init_with(StackResources::new), || INTERRUPT.raise(), spawn_only(serve))
}

#[embassy_executor::task]
async fn serve(stack: Stack<'static>) {
    let mut base = EventBase::new(MEMORY.take());
    let app = PROXY.init_with(|| Proxy::new(UPSTREAM.into()));
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
    app.start(&mut base, address, POOLS).expect("the storage has room");
    run(stack, SOCKETS.take(), &[&INTERRUPT], &mut base, app, Config::default()).await;
    defmt::info!("done");
    board::exit(0)
}
