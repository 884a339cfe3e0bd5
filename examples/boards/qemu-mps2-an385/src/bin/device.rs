//! The example `device` on the MPS2 board with AN385, under QEMU.

#![no_std]
#![no_main]

use core::net::{Ipv4Addr, SocketAddr};

use device::{Device, Files, Memory, PORT, temperature};
use embassy_net::{Stack, StackResources};
use picoevent::memory::StaticSlot;
use picoevent::{EventBase, Signal, Trigger};
use picoevent_embassy::{Config, Sockets, run};
use qemu_mps2_an385::{self as board, spawn_only};
use static_cell::{ConstStaticCell, StaticCell};

static INTERRUPT: Trigger = Trigger::new(Signal::INT);
/// One socket for each connection of the pool, two for the listener, and one for DHCP.
static RESOURCES: StaticCell<StackResources<12>> = StaticCell::new();
static SOCKETS: ConstStaticCell<Sockets<11, 512, 1024>> = ConstStaticCell::new(Sockets::new());
static MEMORY: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::new());
static FILES: ConstStaticCell<Files> = ConstStaticCell::new([StaticSlot::new(); _]);
static DEVICE: StaticCell<Device> = StaticCell::new();

#[cortex_m_rt::entry]
fn main() -> ! {
    board::run(RESOURCES.init_with(StackResources::new), || INTERRUPT.raise(), spawn_only(serve))
}

#[embassy_executor::task]
async fn serve(stack: Stack<'static>) {
    let mut base = EventBase::new(MEMORY.take());
    base.set_static_slots(FILES.take()).expect("a new base has none");
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
    Device::start(&mut base, address).expect("the memory is made for it");
    defmt::info!("listening on port {}", PORT);
    let app = DEVICE.init_with(|| Device::new(temperature));
    run(stack, SOCKETS.take(), &[&INTERRUPT], &mut base, app, Config::default()).await;
    defmt::info!("done");
    board::exit(0)
}
