//! hello-world on a board under QEMU that has enough RAM.

#![no_std]
#![no_main]

use core::net::{Ipv4Addr, SocketAddr};

use board::spawn_only;
use embassy_net::{Stack, StackResources};
use hello_world::{Hello, PORT};
use picoevent::{EventBase, Pool, Signal, Storage, Trigger};
use picoevent_embassy::{Config, Sockets, run};
use static_cell::{ConstStaticCell, StaticCell};

const CLIENTS: Pool = Pool::new(8).rings(32, 64);

static INTERRUPT: Trigger = Trigger::new(Signal::INT);
static RESOURCES: StaticCell<StackResources<17>> = StaticCell::new();
static SOCKETS: ConstStaticCell<Sockets<16, 256, 256>> = ConstStaticCell::new(Sockets::new());
static STORAGE: ConstStaticCell<Storage<Hello, 4, { CLIENTS.conns() }, { CLIENTS.bytes() }>> =
    ConstStaticCell::new(Storage::new());

#[board::entry]
fn main() -> ! {
    board::run(RESOURCES.init_with(StackResources::new), || INTERRUPT.raise(), spawn_only(serve))
}

#[embassy_executor::task]
async fn serve(stack: Stack<'static>) {
    let mut base = EventBase::new(STORAGE.take());
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
    Hello::start(&mut base, address, CLIENTS).expect("the storage has room");
    let mut hello = Hello::default();
    run(stack, SOCKETS.take(), &[&INTERRUPT], &mut base, &mut hello, Config::SERVER).await;
    defmt::info!("done");
    board::exit(0)
}
