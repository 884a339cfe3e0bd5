//! Nordic's nRF52840-DK: a Cortex-M4 at 64 MHz with 256 KB of RAM and 1 MB of flash, two USB connectors and a
//! debug probe on the board.
//!
//! On the chip's USB connector (J3), the host sees the board as a network card, with the address 192.168.7.1. The debug
//! probe's connector (J2) is for flashing and the log. Button 1 raises the interrupt signal.

#![no_std]

use board_usb::Cable;
use embassy_executor::Spawner;
use embassy_net::{Stack, StackResources};
use embassy_nrf::config::{Config, HfclkSource};
use embassy_nrf::gpio::{Input, Pull};
use embassy_nrf::peripherals::USBD;
use embassy_nrf::rng::Rng;
use embassy_nrf::usb::Driver;
use embassy_nrf::usb::vbus_detect::{self, HardwareVbusDetect};
use embassy_nrf::{bind_interrupts, pac, usb};

pub use board_hardware::exit;
pub use embassy_executor::main;

type Usb = Driver<'static, HardwareVbusDetect>;

bind_interrupts!(struct Interrupts {
    USBD => usb::InterruptHandler<USBD>;
    CLOCK_POWER => vbus_detect::InterruptHandler;
});

/// Starts the board: the network over USB, and the button. Returns the stack, and a seed for random bytes from
/// the chip's random number generator.
///
/// `on_interrupt` is called when the button is pressed.
pub async fn start<const SOCKETS: usize>(
    spawner: Spawner,
    resources: &'static mut StackResources<SOCKETS>,
    on_interrupt: fn(),
) -> (Stack<'static>, [u8; 32]) {
    let mut config = Config::default();
    // USB needs the accuracy of the external crystal.
    config.hfclk_source = HfclkSource::ExternalXtal;
    let chip = embassy_nrf::init(config);
    let (mut seed, mut stack_seed) = ([0; 32], [0; 8]);
    let mut rng = Rng::new_blocking(chip.RNG);
    rng.blocking_fill_bytes(&mut seed);
    rng.blocking_fill_bytes(&mut stack_seed);
    let usb = Driver::new(chip.USBD, Interrupts, HardwareVbusDetect::new(Interrupts));
    let number = [0, 1].map(|half| pac::FICR.deviceid(half).read().to_be_bytes());
    let (cable, driver) = Cable::new(usb, number.as_flattened());
    spawner.spawn(serve_host(cable).expect("spawned once"));
    let stack = board_usb::start(spawner, driver, resources, u64::from_le_bytes(stack_seed));
    let button = Input::new(chip.P0_11, Pull::Up);
    spawner.spawn(watch_button(button, on_interrupt).expect("spawned once"));
    (stack, seed)
}

#[embassy_executor::task]
async fn serve_host(cable: Cable<Usb>) -> ! {
    cable.run().await
}

/// Calls `on_interrupt` each time the button is pressed, and sleeps between the presses. A button that bounces causes
/// more than one call.
#[embassy_executor::task]
async fn watch_button(mut button: Input<'static>, on_interrupt: fn()) -> ! {
    loop {
        button.wait_for_falling_edge().await;
        on_interrupt();
    }
}
