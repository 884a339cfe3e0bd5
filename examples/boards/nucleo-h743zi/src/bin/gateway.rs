//! The gateway on the Nucleo board with an STM32H743ZI. Its user button forces a sample.

#![no_std]
#![no_main]

use core::net::{Ipv4Addr, SocketAddr};

use embassy_executor::Spawner;
use embassy_net::StackResources;
use gateway::{BUTTON, CONSOLE_PORT, Gateway, Memory, STATUS_PORT, Setup, temperature};
use nucleo_h743zi as board;
use picoevent::{EventBase, Trigger};
use picoevent_embassy::{Config, Sockets, run};
use static_cell::{ConstStaticCell, StaticCell};

/// The collector's address in your network; without one, samples are not sent.
const COLLECTOR: Option<SocketAddr> = None;

static PRESSED: Trigger = Trigger::new(BUTTON);
/// A socket for each connection of the pools, one more for each listener, and DHCP's.
static RESOURCES: StaticCell<StackResources<14>> = StaticCell::new();
static SOCKETS: ConstStaticCell<Sockets<13, 128, 256>> = ConstStaticCell::new(Sockets::new());
static MEMORY: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::new());
static GATEWAY: StaticCell<Gateway> = StaticCell::new();

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let resources = RESOURCES.init_with(StackResources::new);
    let (stack, seed) = board::start(spawner, resources, || PRESSED.raise());
    let setup = Setup { sensor: temperature, collector: COLLECTOR };
    let app = GATEWAY.init_with(|| Gateway::new(setup));
    let mut base = EventBase::new(MEMORY.take());
    base.seed(&seed);
    let at = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    app.start(&mut base, at(CONSOLE_PORT), at(STATUS_PORT)).expect("the memory is made for it");
    run(stack, SOCKETS.take(), &[&PRESSED], &mut base, app, Config::default()).await;
    board::exit(0)
}
