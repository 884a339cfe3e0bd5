//! Shared code of ST's Nucleo-144 boards with Ethernet: everything but clocks, pins and names of interrupts.
//!
//! ```text
//!  RMII   PA1 clock   PA7 carrier   PC4, PC5 receive   PG11, PG13 and one more transmit   PA2, PC1 MDIO
//!  B1     PC13, high while it is pressed
//! ```
//!
//! The board gets its address by DHCP. The user button, B1, raises the interrupt signal. The debug probe is on the
//! board. Static variables are in RAM that the Ethernet DMA can access. If the chip has a data cache, the cache stays
//! off, so that the core and the DMA see the same bytes.

#![no_std]

use embassy_executor::Spawner;
use embassy_net::{Config, Runner, Stack, StackResources};
use embassy_stm32::eth::{Ethernet, GenericPhy, PacketQueue, Sma};
use embassy_stm32::exti::ExtiInput;
use embassy_stm32::mode::Async;
use embassy_stm32::peripherals::{ETH, ETH_SMA, RNG};
use embassy_stm32::rng::Rng;
use embassy_stm32::uid;
use static_cell::ConstStaticCell;

pub use board_hardware::exit;
pub use embassy_executor::main;

/// embassy-net's driver: the chip's Ethernet controller, with the board's PHY.
pub type Driver = Ethernet<'static, ETH, GenericPhy<Sma<'static, ETH_SMA>>>;

/// The parts of the chip that a board sets up for [`start`].
pub struct Parts {
    /// The Ethernet driver, made with [`queue`] and [`address`].
    pub ethernet: Driver,
    /// The user button.
    pub button: ExtiInput<'static, Async>,
    /// The random number generator.
    pub rng: Rng<'static, RNG>,
}

/// Returns the frame buffers between the Ethernet DMA and the stack. Panics if this function is called twice.
pub fn queue() -> &'static mut PacketQueue<4, 4> {
    static QUEUE: ConstStaticCell<PacketQueue<4, 4>> = ConstStaticCell::new(PacketQueue::new());
    QUEUE.take()
}

/// Returns the MAC address, which is made from the chip's unique number.
pub fn address() -> [u8; 6] {
    board_hardware::address(&uid::uid())
}

/// Starts the network and the button. Returns the stack, and a seed for random bytes from the chip's
/// random number generator.
///
/// `on_interrupt` is called when the button is pressed.
pub fn start<const SOCKETS: usize>(
    spawner: Spawner,
    resources: &'static mut StackResources<SOCKETS>,
    parts: Parts,
    on_interrupt: fn(),
) -> (Stack<'static>, [u8; 32]) {
    let Parts { ethernet, button, mut rng } = parts;
    let mut seed = [0; 32];
    rng.fill_bytes(&mut seed);
    let config = Config::dhcpv4(Default::default());
    let (stack, runner) = embassy_net::new(ethernet, config, resources, rng.next_u64());
    spawner.spawn(serve_network(runner).expect("spawned once"));
    spawner.spawn(watch_button(button, on_interrupt).expect("spawned once"));
    (stack, seed)
}

#[embassy_executor::task]
async fn serve_network(mut runner: Runner<'static, Driver>) -> ! {
    runner.run().await
}

/// Calls `on_interrupt` each time the button is pressed, and sleeps between the presses. A button that bounces causes
/// more than one call.
#[embassy_executor::task]
async fn watch_button(mut button: ExtiInput<'static, Async>, on_interrupt: fn()) -> ! {
    loop {
        button.wait_for_rising_edge().await;
        on_interrupt();
    }
}
