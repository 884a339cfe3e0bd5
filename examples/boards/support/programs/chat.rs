//! chat on a board under QEMU.

#![no_std]
#![no_main]

use core::net::{Ipv4Addr, SocketAddr};

use board::spawn_only;
use chat::{Chat, PORT};
use embassy_net::{Stack, StackResources};
use picoevent::{EventBase, Pool, Signal, Storage, Trigger};
use picoevent_embassy::{Config, Sockets, run};
use static_cell::{ConstStaticCell, StaticCell};

/// Four slots for clients, and a spare slot for one more client, which only receives the text that the chat is full.
const CLIENTS: Pool = Pool::new(4).spare(1).rings(320, 1024);

static INTERRUPT: Trigger = Trigger::new(Signal::INT);
/// The TCP sockets, and one for DHCP.
static RESOURCES: StaticCell<StackResources<7>> = StaticCell::new();
static SOCKETS: ConstStaticCell<Sockets<6, 512, 512>> = ConstStaticCell::new(Sockets::new());
static STORAGE: ConstStaticCell<
    Storage<Chat<{ CLIENTS.conns() }>, 1, { CLIENTS.conns() }, { CLIENTS.bytes() }>,
> = ConstStaticCell::new(Storage::new());
static CHAT: ConstStaticCell<Chat<{ CLIENTS.conns() }>> = ConstStaticCell::new(Chat::new());

#[board::entry]
fn main() -> ! {
    board::run(RESOURCES.init_with(StackResources::new), || INTERRUPT.raise(), spawn_only(serve))
}

#[embassy_executor::task]
async fn serve(stack: Stack<'static>) {
    let mut base = EventBase::new(STORAGE.take());
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
    Chat::start(&mut base, address, CLIENTS).expect("the storage has room");
    run(stack, SOCKETS.take(), &[&INTERRUPT], &mut base, CHAT.take(), Config::SERVER).await;
    defmt::info!("done");
    board::exit(0)
}
