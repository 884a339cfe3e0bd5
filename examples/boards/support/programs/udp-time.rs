//! udp-time on a board under QEMU. The program answers with the seconds since the loop began to run.

#![no_std]
#![no_main]

use core::net::{Ipv4Addr, SocketAddr};

use board::spawn_only;
use embassy_net::{Stack, StackResources};
use picoevent::{EventBase, Run, Signal, Storage, Trigger};
use picoevent_embassy::{Adapter, Config, Sockets, UdpSockets};
use static_cell::{ConstStaticCell, StaticCell};
use udp_time::{PORT, RINGS, Time, uptime};

static INTERRUPT: Trigger = Trigger::new(Signal::INT);
/// One UDP socket, and one for DHCP.
static RESOURCES: StaticCell<StackResources<2>> = StaticCell::new();
static SOCKETS: ConstStaticCell<Sockets<0, 0, 0>> = ConstStaticCell::new(Sockets::new());
static UDP: ConstStaticCell<UdpSockets<1, 256, 128>> = ConstStaticCell::new(UdpSockets::new());
static STORAGE: ConstStaticCell<Storage<Time, 1, 0, { RINGS.bytes() }, 0, 0, 0, 1>> =
    ConstStaticCell::new(Storage::new());

#[board::entry]
fn main() -> ! {
    board::run(RESOURCES.init_with(StackResources::new), || INTERRUPT.raise(), spawn_only(serve))
}

#[embassy_executor::task]
async fn serve(stack: Stack<'static>) {
    let mut base = EventBase::new(STORAGE.take());
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
    Time::start(&mut base, address).expect("the storage has room");
    let mut time = Time::new(uptime);
    let triggers = [&INTERRUPT];
    let adapter = Adapter::new(stack, SOCKETS.take(), &triggers, Config::SERVER);
    let mut adapter = adapter.with_udp(UDP.take());
    adapter.run(&mut base, &mut time, Run::DEFAULT).await;
    adapter.close(&mut base).await;
    defmt::info!("done");
    board::exit(0)
}
