//! hello-world as it is, on a painted stack, with little patience for peers that say nothing.

#![no_std]
#![no_main]

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use embassy_net::{Stack, StackResources};
use hello_world::{Hello, PORT};
use picoevent::{EventBase, Signal, Storage, Trigger};
use picoevent_baseline::sizes::{BUFFER, EVENTS, FEW, INPUT, MANY, OUTPUT};
use picoevent_baseline::{board, stack};
use picoevent_embassy::{Config, Sockets, run};
use static_cell::{ConstStaticCell, StaticCell};

/// So that a test sees a peer given up.
const TIMEOUT: Duration = Duration::from_secs(2);

static INTERRUPT: Trigger = Trigger::new(Signal::INT);
static RESOURCES: StaticCell<StackResources<{ MANY + 1 }>> = StaticCell::new();
static SOCKETS: ConstStaticCell<Sockets<MANY, BUFFER, BUFFER>> =
    ConstStaticCell::new(Sockets::new());
static STORAGE: ConstStaticCell<Storage<Hello, EVENTS, FEW, INPUT, OUTPUT>> =
    ConstStaticCell::new(Storage::new());

#[cortex_m_rt::entry]
fn main() -> ! {
    stack::paint();
    let resources = RESOURCES.init_with(StackResources::new);
    board::run(
        resources,
        || INTERRUPT.raise(),
        |spawner, stack| {
            spawner.spawn(serve(stack).expect("spawned once"));
        },
    )
}

#[embassy_executor::task]
async fn serve(stack: Stack<'static>) {
    stack::report("at start");
    stack::paint();
    let mut base = EventBase::new(STORAGE.take());
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
    Hello::start(&mut base, address).expect("the storage has room");
    let config = Config { timeout: Some(TIMEOUT), ..Config::SERVER };
    let mut hello = Hello::new();
    run(stack, SOCKETS.take(), &[&INTERRUPT], &mut base, &mut hello, config).await;
    defmt::info!("done");
    stack::report("serving");
    board::exit(0)
}
