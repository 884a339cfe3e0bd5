//! QEMU's machine `virt`: a 32-bit RISC-V in machine mode, RAM for code and data, and a virtio network controller. The
//! controller loses no frames, and reports the link state.
//!
//! The board gets its address by DHCP.

#![no_std]

use board_support::{console, executor, logger, network};
use embassy_executor::Spawner;
use embassy_net::{Config, Runner, Stack, StackResources};

mod clock;
mod ethernet;
mod interrupt;
mod pages;
mod uart;

pub use board_support::{
    console::on_button, entry, executor::spawn_only, exit::exit, network::COLLECTOR,
    random::weak_seed,
};
use ethernet::Ethernet;

/// Starts the board and runs tasks forever: the network's task, and the tasks that `start` spawns.
///
/// `on_interrupt` is called in the UART's interrupt when Ctrl-C is received.
pub fn run<const SOCKETS: usize>(
    resources: &'static mut StackResources<SOCKETS>,
    on_interrupt: fn(),
    start: impl FnOnce(Spawner, Stack<'static>),
) -> ! {
    console::on_ctrl_c(on_interrupt);
    uart::start();
    logger::start(uart::send);
    clock::start();
    let ethernet = Ethernet::start();
    interrupt::start();
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
