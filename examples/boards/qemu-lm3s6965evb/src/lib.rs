//! The Stellaris LM3S6965 evaluation board, as QEMU models it: a Cortex-M3 at 12.5 MHz with 64 KB
//! of RAM, 256 KB of flash and an Ethernet controller that loses no frames.
//!
//! The address is static: 10.0.2.15/24, which is the guest's address in QEMU's user network. With the feature `ipv6`
//! the board also has the address fd00::15/64.

#![no_std]

use core::net::Ipv4Addr;

use board_support::{arp, console, executor, logger, network};
use embassy_executor::Spawner;
use embassy_net::{Config, Ipv4Cidr, Runner, Stack, StackResources, StaticConfigV4};

mod clock;
mod ethernet;
mod interrupt;
#[cfg(feature = "ipv6")]
mod ipv6;
#[cfg(not(feature = "ipv6"))]
mod ipv6 {
    //! Without the feature `ipv6`: IPv4 only.

    pub(crate) use core::convert::identity as add_address;
}
mod uart;

#[cfg(feature = "online")]
pub use board_support::timestamp::set_clock;
pub use board_support::{
    console::on_button,
    entry,
    executor::spawn_only,
    exit::exit,
    network::{BROKER_PORT, COLLECTOR, COLLECTOR_PORT, HOST, TIME_SERVER, UPSTREAM},
    random::weak_seed,
    stack_limit,
};
use ethernet::Ethernet;

const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);

/// Starts the board and runs tasks forever: the network's task, and the tasks that `start` spawns.
///
/// `on_interrupt` is called in the UART's interrupt when Ctrl-C is received.
pub fn run<const SOCKETS: usize>(
    resources: &'static mut StackResources<SOCKETS>,
    on_interrupt: fn(),
    start: impl FnOnce(Spawner, Stack<'static>),
) -> ! {
    let mut core = cortex_m::Peripherals::take().expect("the board is started once");
    console::on_ctrl_c(on_interrupt);
    uart::start();
    logger::start(uart::send);
    clock::start(&mut core.SYST);
    let ethernet = Ethernet::start();
    let hardware = ethernet.address();
    ethernet::send(&arp::announcement(hardware, ADDRESS));
    let config = Config::ipv4_static(StaticConfigV4 {
        address: Ipv4Cidr::new(ADDRESS, 24),
        gateway: Some(GATEWAY),
        dns_servers: Default::default(),
    });
    let (stack, runner) = network::start(ethernet, ipv6::add_address(config), resources, hardware);
    executor::run(|spawner| {
        spawner.spawn(serve_network(runner).expect("spawned once"));
        start(spawner, stack);
    })
}

#[embassy_executor::task]
async fn serve_network(mut runner: Runner<'static, Ethernet>) -> ! {
    runner.run().await
}
