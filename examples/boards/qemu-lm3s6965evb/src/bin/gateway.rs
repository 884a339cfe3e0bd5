//! The gateway on the LM3S6965 evaluation board, under QEMU.

#![no_std]
#![no_main]

use core::net::{Ipv4Addr, SocketAddr};

use embassy_net::{Stack, StackResources};
use gateway::{BUTTON, CONSOLE_PORT, Gateway, Memory, STATUS_PORT, Setup, temperature};
use picoevent::{EventBase, Signal, Trigger};
use picoevent_embassy::{Config, Sockets, run};
use qemu_lm3s6965evb::{self as board, COLLECTOR, only};
use static_cell::{ConstStaticCell, StaticCell};

static INTERRUPT: Trigger = Trigger::new(Signal::INT);
static PRESSED: Trigger = Trigger::new(BUTTON);
/// A socket for each connection of the pools, one more for each listener, and DHCP's.
static RESOURCES: StaticCell<StackResources<14>> = StaticCell::new();
static SOCKETS: ConstStaticCell<Sockets<13, 128, 256>> = ConstStaticCell::new(Sockets::new());
static MEMORY: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::new());
static GATEWAY: StaticCell<Gateway> = StaticCell::new();

#[cortex_m_rt::entry]
fn main() -> ! {
    board::on_button(|| PRESSED.raise());
    board::run(RESOURCES.init_with(StackResources::new), || INTERRUPT.raise(), only(serve))
}

#[embassy_executor::task]
async fn serve(stack: Stack<'static>) {
    let collector = COLLECTOR.map(SocketAddr::from);
    let app = GATEWAY.init_with(|| Gateway::new(Setup { sensor: temperature, collector }));
    let mut base = EventBase::new(MEMORY.take());
    base.seed(&board::weak_seed());
    let at = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    app.start(&mut base, at(CONSOLE_PORT), at(STATUS_PORT)).expect("the memory is made for it");
    defmt::info!("listening on ports {} and {}", CONSOLE_PORT, STATUS_PORT);
    let triggers = [&INTERRUPT, &PRESSED];
    run(stack, SOCKETS.take(), &triggers, &mut base, app, Config::default()).await;
    defmt::info!("done");
    board::exit(0)
}
