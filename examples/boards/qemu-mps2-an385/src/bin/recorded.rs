//! hello-world on the MPS2 board with AN385, under QEMU. The program records its input, and logs the recording when the
//! loop ends. `cargo sim replay hello-world LOG` runs the application with the recorded input.

#![no_std]
#![no_main]

use core::net::{Ipv4Addr, SocketAddr};

use embassy_net::{Stack, StackResources};
use hello_world::{Hello, PORT};
use picoevent::record::{Keep, Recording};
use picoevent::{EventBase, Pool, Signal, Storage, Trigger};
use picoevent_embassy::{Config, Sockets, run};
use qemu_mps2_an385::{self as board, spawn_only};
use static_cell::{ConstStaticCell, StaticCell};

const CLIENTS: Pool = Pool::new(8).rings(32, 64);

static INTERRUPT: Trigger = Trigger::new(Signal::INT);
static RESOURCES: StaticCell<StackResources<17>> = StaticCell::new();
static SOCKETS: ConstStaticCell<Sockets<16, 256, 256>> = ConstStaticCell::new(Sockets::new());
/// Keeps the input from the start until the recording is full. The recording has room for the input of more than a
/// hundred clients.
static RECORDING: Recording<8192> = Recording::new(Keep::First);
static STORAGE: ConstStaticCell<Storage<Hello, 4, { CLIENTS.conns() }, { CLIENTS.bytes() }>> =
    ConstStaticCell::new(Storage::new());

#[cortex_m_rt::entry]
fn main() -> ! {
    board::run(RESOURCES.init_with(StackResources::new), || INTERRUPT.raise(), spawn_only(serve))
}

#[embassy_executor::task]
async fn serve(stack: Stack<'static>) {
    let mut base = EventBase::new(STORAGE.take());
    base.record_to(&RECORDING);
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
    Hello::start(&mut base, address, CLIENTS).expect("the storage has room");
    let mut hello = Hello::default();
    run(stack, SOCKETS.take(), &[&INTERRUPT], &mut base, &mut hello, Config::default()).await;
    RECORDING.dump(|line| defmt::info!("{=str}", line));
    defmt::info!("done");
    board::exit(0)
}
