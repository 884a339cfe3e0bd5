//! The gateway on a board under QEMU that has enough RAM.

#![no_std]
#![no_main]

use core::net::{Ipv4Addr, SocketAddr};

use board::{COLLECTOR, spawn_only};
use embassy_net::{Stack, StackResources};
use gateway::{
    BUTTON, CONSOLE_PORT, DISCOVERY_PORT, Gateway, Memory, STATUS_PORT, Setup, temperature,
};
use picoevent::{EventBase, Run, Signal, Trigger};
use picoevent_embassy::{Adapter, Config, Sockets, UdpSockets};
use static_cell::{ConstStaticCell, StaticCell};

static INTERRUPT: Trigger = Trigger::new(Signal::INT);
static PRESSED: Trigger = Trigger::new(BUTTON);
/// One socket for each connection of the pools, one for each listener, one for discovery and one for DHCP.
static RESOURCES: StaticCell<StackResources<15>> = StaticCell::new();
static SOCKETS: ConstStaticCell<Sockets<13, 128, 256>> = ConstStaticCell::new(Sockets::new());
static UDP: ConstStaticCell<UdpSockets<1, 64, 64>> = ConstStaticCell::new(UdpSockets::new());
static MEMORY: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::new());
static GATEWAY: StaticCell<Gateway> = StaticCell::new();

#[board::entry]
fn main() -> ! {
    board::on_button(|| PRESSED.raise());
    board::run(RESOURCES.init_with(StackResources::new), || INTERRUPT.raise(), spawn_only(serve))
}

#[embassy_executor::task]
async fn serve(stack: Stack<'static>) {
    let collector = COLLECTOR.map(SocketAddr::from);
    let setup = Setup { name: "gateway", sensor: temperature, collector };
    let app = GATEWAY.init_with(|| Gateway::new(setup));
    let mut base = EventBase::new(MEMORY.take());
    base.seed(&board::weak_seed());
    let at = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    app.start(&mut base, at(CONSOLE_PORT), at(STATUS_PORT), at(DISCOVERY_PORT))
        .expect("the memory is made for it");
    defmt::info!("listening on ports {} and {}", CONSOLE_PORT, STATUS_PORT);
    let triggers = [&INTERRUPT, &PRESSED];
    let adapter = Adapter::new(stack, SOCKETS.take(), &triggers, Config::default());
    let mut adapter = adapter.with_udp(UDP.take());
    adapter.run(&mut base, app, Run::DEFAULT).await;
    adapter.close(&mut base).await;
    defmt::info!("done");
    board::exit(0)
}
