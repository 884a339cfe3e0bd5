//! WIZnet's W5500-EVB-Pico: an RP2040 with two Cortex-M0+ at 125 MHz (one is used), 264 KB of RAM
//! and 2 MB of flash, and a W5500 Ethernet controller on the SPI bus.
//!
//! The board gets its address by DHCP. While a program runs, BOOTSEL is the button.

#![no_std]

use board_rp::wiznet::{self, Controller};
use embassy_executor::Spawner;
use embassy_net::{Stack, StackResources};
use embassy_net_wiznet::chip::W5500;

pub use board_rp::main;
pub use board_rp::wiznet::exit;

/// Starts the board: the controller, the network and the button. Returns the stack, and a seed for random bytes.
///
/// `on_interrupt` is called when the button is pressed.
pub async fn start<const SOCKETS: usize>(
    spawner: Spawner,
    resources: &'static mut StackResources<SOCKETS>,
    on_interrupt: fn(),
) -> (Stack<'static>, [u8; 32]) {
    wiznet::start(spawner, resources, on_interrupt, drive_controller).await
}

#[embassy_executor::task]
async fn drive_controller(controller: Controller<W5500>) -> ! {
    controller.run().await
}
