//! The application on a board: `cargo run --release`.

#![no_std]
#![no_main]

use core::net::{Ipv4Addr, SocketAddr};

use app::{App, CLIENTS, PORT, Storage};
use embassy_net::{Stack, StackResources};
use picoevent::{EventBase, Signal, Trigger};
use picoevent_embassy::{Config, Sockets, run};
use static_cell::{ConstStaticCell, StaticCell};

mod start;

/// One socket for each connection, and one more socket that listens.
const SOCKETS: usize = CLIENTS.conns() + 1;

/// Raised by Ctrl-C under QEMU, and by a button on other boards.
static INTERRUPT: Trigger = Trigger::new(Signal::INT);
/// The network stack's memory, for the `SOCKETS` sockets and one more socket for DHCP.
static RESOURCES: StaticCell<StackResources<{ SOCKETS + 1 }>> = StaticCell::new();
static MEMORY: ConstStaticCell<Storage> = ConstStaticCell::new(Storage::new());
static BUFFERS: ConstStaticCell<Sockets<SOCKETS, 128, 128>> = ConstStaticCell::new(Sockets::new());

/// Runs the application until the interrupt. The application's random bytes come from `seed`.
async fn serve(stack: Stack<'static>, seed: [u8; 32]) {
    let mut base = EventBase::new(MEMORY.take());
    // Without a seed, DNS queries are predictable, and all devices reconnect after the same delays.
    base.seed(&seed);
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
    if let Err(error) = App::start(&mut base, address, CLIENTS) {
        // An emulated board does not log the message of a panic, so log the error here.
        defmt::panic!("the application cannot start: {}", error);
    }
    let mut app = App::default();
    run(
        stack,
        BUFFERS.take(),
        &[&INTERRUPT],
        &mut base,
        &mut app,
        Config::default(),
    )
    .await;
    defmt::info!("done");
}
