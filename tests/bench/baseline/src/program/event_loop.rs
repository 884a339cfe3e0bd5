//! hello-world on the event loop. The program that includes this file sets the capacities.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use embassy_net::{Stack, StackResources};
use hello_world::{Hello, PORT};
use picoevent::{EventBase, Pool, Signal, Storage, Trigger};
use picoevent_baseline::sizes::{BUFFER, EVENTS, INPUT, OUTPUT};
use picoevent_baseline::{board, stack};
use picoevent_embassy::{Config, Sockets, run};
use static_cell::{ConstStaticCell, StaticCell};

use crate::{CONNS, PAINTED, SOCKETS};

const CLIENTS: Pool = Pool::new(CONNS as u16).rings(INPUT, OUTPUT);

static INTERRUPT: Trigger = Trigger::new(Signal::INT);
static RESOURCES: StaticCell<StackResources<{ SOCKETS + 1 }>> = StaticCell::new();
static POOL: ConstStaticCell<Sockets<SOCKETS, BUFFER, BUFFER>> =
    ConstStaticCell::new(Sockets::new());
static STORAGE: ConstStaticCell<Storage<Hello, EVENTS, { CLIENTS.conns() }, { CLIENTS.bytes() }>> =
    ConstStaticCell::new(Storage::new());

#[cortex_m_rt::entry]
fn main() -> ! {
    if PAINTED {
        stack::paint();
    }
    board::run(
        RESOURCES.init_with(StackResources::new),
        || INTERRUPT.raise(),
        board::spawn_only(serve),
    )
}

/// Returns the configuration. On a painted stack the timeouts for silent peers are short, so that a test reaches them.
fn config() -> Config {
    if !PAINTED {
        return Config::SERVER;
    }
    Config { timeout: Some(Duration::from_secs(2)), ..Config::SERVER }
}

#[embassy_executor::task]
async fn serve(network: Stack<'static>) {
    if PAINTED {
        stack::report("at start");
        stack::paint();
    }
    let mut base = EventBase::new(STORAGE.take());
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
    Hello::start(&mut base, address, CLIENTS).expect("the storage has room");
    let mut hello = Hello::default();
    run(network, POOL.take(), &[&INTERRUPT], &mut base, &mut hello, config()).await;
    defmt::info!("done");
    if PAINTED {
        stack::report("serving");
    }
    board::exit(0)
}
