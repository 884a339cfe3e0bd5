//! The server that adds up numbers, on the MPS2 board with AN385, under QEMU.

#![no_std]
#![no_main]

use core::net::{Ipv4Addr, SocketAddr};

use embassy_net::{Stack, StackResources};
use picoevent::{EventBase, Pool, Signal, Storage, Trigger};
use picoevent_embassy::{Config, Sockets, run};
use qemu_mps2_an385::{self as board, spawn_only};
use static_cell::{ConstStaticCell, StaticCell};
use tutorial::{PORT, Sum};

const CLIENTS: Pool = Pool::new(4).rings(32, 32).spare(1);

static INTERRUPT: Trigger = Trigger::new(Signal::INT);
/// Seven sockets: one for each of five connections, one that listens, and one for DHCP.
static RESOURCES: StaticCell<StackResources<7>> = StaticCell::new();
static SOCKETS: ConstStaticCell<Sockets<6, 128, 128>> = ConstStaticCell::new(Sockets::new());
static STORAGE: ConstStaticCell<Storage<Sum, 1, { CLIENTS.conns() }, { CLIENTS.bytes() }>> =
    ConstStaticCell::new(Storage::new());

#[cortex_m_rt::entry]
fn main() -> ! {
    board::run(RESOURCES.init_with(StackResources::new), || INTERRUPT.raise(), spawn_only(serve))
}

#[embassy_executor::task]
async fn serve(stack: Stack<'static>) {
    let mut base = EventBase::new(STORAGE.take());
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
    Sum::start(&mut base, address, CLIENTS).expect("the storage has room");
    defmt::info!("listening on port {}", PORT);
    run(stack, SOCKETS.take(), &[&INTERRUPT], &mut base, &mut Sum::default(), Config::default())
        .await;
    defmt::info!("done");
    board::exit(0)
}
