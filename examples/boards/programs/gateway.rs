//! The gateway on a hardware board. The board's button forces a sample.

#![no_std]
#![no_main]

use core::net::{Ipv4Addr, SocketAddr};

use embassy_executor::Spawner;
use embassy_net::StackResources;
use gateway::{
    BUTTON, CONSOLE_PORT, DISCOVERY_PORT, Gateway, Memory, STATUS_PORT, Setup, temperature,
};
use picoevent::{EventBase, Run, Trigger};
use picoevent_embassy::{Adapter, Config, Sockets, UdpSockets};
use static_cell::{ConstStaticCell, StaticCell};

/// The collector's address in your network. Without an address, no samples are sent.
const COLLECTOR: Option<SocketAddr> = None;

static PRESSED: Trigger = Trigger::new(BUTTON);
/// One socket for each connection of the pools, one for each listener, one for discovery and one for DHCP.
static RESOURCES: StaticCell<StackResources<15>> = StaticCell::new();
static SOCKETS: ConstStaticCell<Sockets<13, 128, 256>> = ConstStaticCell::new(Sockets::new());
static UDP: ConstStaticCell<UdpSockets<1, 64, 64>> = ConstStaticCell::new(UdpSockets::new());
static MEMORY: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::new());
static GATEWAY: StaticCell<Gateway> = StaticCell::new();

#[board::main]
async fn main(spawner: Spawner) {
    let resources = RESOURCES.init_with(StackResources::new);
    let (stack, seed) = board::start(spawner, resources, || PRESSED.raise()).await;
    let setup = Setup { name: "gateway", sensor: temperature, collector: COLLECTOR };
    let app = GATEWAY.init_with(|| Gateway::new(setup));
    let mut base = EventBase::new(MEMORY.take());
    base.seed(&seed);
    let at = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    app.start(&mut base, at(CONSOLE_PORT), at(STATUS_PORT), at(DISCOVERY_PORT))
        .expect("the memory is made for it");
    let triggers = [&PRESSED];
    let adapter = Adapter::new(stack, SOCKETS.take(), &triggers, Config::default());
    let mut adapter = adapter.with_udp(UDP.take());
    adapter.run(&mut base, app, Run::DEFAULT).await;
    adapter.close(&mut base).await;
    board::exit(0).await
}
