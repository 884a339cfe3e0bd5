//! The MPS2 board with its AN385 image, as QEMU models it: a Cortex-M3 at 25 MHz, a LAN9118
//! Ethernet controller that loses frames when they come in bursts, and a cable that can be pulled.
//!
//! The address comes by DHCP.

#![no_std]

use board_support::{executor, logger, network};
use embassy_executor::Spawner;
use embassy_net::{Config, Runner, Stack, StackResources};

mod clock;
mod ethernet;
mod interrupt;
mod uart;

pub use board_support::exit::exit;
use ethernet::Ethernet;

/// Starts the board and runs tasks for ever: the network's, and those `start` spawns.
///
/// `on_interrupt` is called, in an interrupt, when Ctrl-C comes over the UART.
pub fn run<const SOCKETS: usize>(
    resources: &'static mut StackResources<SOCKETS>,
    on_interrupt: fn(),
    start: impl FnOnce(Spawner, Stack<'static>),
) -> ! {
    uart::start(on_interrupt);
    logger::start(uart::send);
    clock::start();
    let ethernet = Ethernet::start();
    let hardware = ethernet.address();
    let config = Config::dhcpv4(Default::default());
    let (stack, runner) = network::start(ethernet, config, resources, hardware);
    executor::run(|spawner| {
        spawner.spawn(serve_network(runner).expect("spawned once"));
        start(spawner, stack);
    })
}

#[embassy_executor::task]
async fn serve_network(mut runner: Runner<'static, Ethernet>) -> ! {
    runner.run().await
}
