//! WIZnet's W5500-EVB-Pico: an RP2040, two Cortex-M0+ at 125 MHz of which one runs, with 264 KB of
//! RAM and 2 MB of flash, and a W5500 Ethernet controller at its SPI bus.
//!
//! ```text
//!  W5500   GP16 MISO   GP17 chip select   GP18 clock   GP19 MOSI   GP20 reset   GP21 interrupt
//!  button  GP14 ── to ground, if you attach one
//! ```
//!
//! The address comes by DHCP. The board has no button that a program could read while it runs from
//! flash: BOOTSEL shares a wire with the flash. So the interrupt is GP14, pulled up: a button of
//! your own from there to ground, which is the pin beside it, or just a wire that touches both.

#![no_std]

use embassy_executor::Spawner;
use embassy_net::{Config, Runner, Stack, StackResources};
use embassy_rp::clocks::RoscRng;
use embassy_rp::gpio::{Input, Level, Output, Pull};
use embassy_rp::spi::Spi;
use embassy_rp::{bind_interrupts, dma, peripherals};

mod ethernet;
mod unique;

pub use board_hardware::exit;
use ethernet::{Controller, Driver, Wires};

bind_interrupts!(struct Interrupts {
    DMA_IRQ_0 =>
        dma::InterruptHandler<peripherals::DMA_CH0>, dma::InterruptHandler<peripherals::DMA_CH1>;
});

/// Starts the board: the controller, the network and the button.
///
/// `on_interrupt` is called when the button is pressed.
pub async fn start<const SOCKETS: usize>(
    spawner: Spawner,
    resources: &'static mut StackResources<SOCKETS>,
    on_interrupt: fn(),
) -> Stack<'static> {
    let chip = embassy_rp::init(Default::default());
    let button = Input::new(chip.PIN_14, Pull::Up);
    let wires = Wires {
        bus: Spi::new(
            chip.SPI0,
            chip.PIN_18,
            chip.PIN_19,
            chip.PIN_16,
            chip.DMA_CH0,
            chip.DMA_CH1,
            Interrupts,
            ethernet::bus(),
        ),
        select: Output::new(chip.PIN_17, Level::High),
        reset: Output::new(chip.PIN_20, Level::High),
        interrupt: Input::new(chip.PIN_21, Pull::Up),
    };
    let address = board_hardware::address(&unique::number(chip.FLASH));
    let (driver, controller) = ethernet::start(wires, address).await;
    let config = Config::dhcpv4(Default::default());
    let (stack, runner) = embassy_net::new(driver, config, resources, RoscRng.next_u64());
    spawner.spawn(drive_controller(controller).expect("spawned once"));
    spawner.spawn(serve_network(runner).expect("spawned once"));
    spawner.spawn(watch_button(button, on_interrupt).expect("spawned once"));
    stack
}

#[embassy_executor::task]
async fn drive_controller(controller: Controller) -> ! {
    controller.run().await
}

#[embassy_executor::task]
async fn serve_network(mut runner: Runner<'static, Driver>) -> ! {
    runner.run().await
}

/// Sleeps until the pin's interrupt. A button that bounces counts more than once, which interrupts
/// may.
#[embassy_executor::task]
async fn watch_button(mut button: Input<'static>, on_interrupt: fn()) -> ! {
    loop {
        button.wait_for_falling_edge().await;
        on_interrupt();
    }
}
