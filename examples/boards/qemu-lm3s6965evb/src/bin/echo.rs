//! echo on the LM3S6965 evaluation board, under QEMU.

#![no_std]
#![no_main]

use core::net::{Ipv4Addr, SocketAddr};

use board::spawn_only;
use echo::{Echo, PORT};
use embassy_net::{Stack, StackResources};
use picoevent::{EventBase, Pool, Signal, Storage, Trigger};
use picoevent_embassy::{Config, Sockets, run};
use static_cell::{ConstStaticCell, StaticCell};

const CLIENTS: Pool = Pool::new(4).rings(1024, 1024);

static INTERRUPT: Trigger = Trigger::new(Signal::INT);
static RESOURCES: StaticCell<StackResources<7>> = StaticCell::new();
static SOCKETS: ConstStaticCell<Sockets<6, 1024, 1024>> = ConstStaticCell::new(Sockets::new());
static STORAGE: ConstStaticCell<Storage<Echo, 4, { CLIENTS.conns() }, { CLIENTS.bytes() }>> =
    ConstStaticCell::new(Storage::new());

#[board::entry]
fn main() -> ! {
    board::run(RESOURCES.init_with(StackResources::new), || INTERRUPT.raise(), spawn_only(serve))
}

#[embassy_executor::task]
async fn serve(stack: Stack<'static>) {
    let mut base = EventBase::new(STORAGE.take());
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
    Echo::start(&mut base, address, CLIENTS).expect("the storage has room");
    let mut echo = Echo::new();
    run(stack, SOCKETS.take(), &[&INTERRUPT], &mut base, &mut echo, Config::SERVER).await;
    defmt::info!("done");
    board::exit(0)
}
