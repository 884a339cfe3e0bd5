//! ST's Nucleo-144 board with an STM32H743ZI: a Cortex-M7 at 400 MHz with 1 MB of RAM, 2 MB of
//! flash, Ethernet, and a debug probe on the board.
//!
//! ```text
//!  RMII   PA1 clock   PA7 carrier   PC4, PC5 receive   PG11, PG13, PB13 transmit   PA2, PC1 MDIO
//!  B1     PC13, high while it is pressed
//! ```
//!
//! The address comes by DHCP. The user button, B1, is the interrupt. Variables are in the RAM at
//! 0x2400_0000, 512 KB, which Ethernet's DMA reaches; the data cache stays off, so that both see
//! the same bytes.

#![no_std]

use embassy_executor::Spawner;
use embassy_net::{Config, Runner, Stack, StackResources};
use embassy_stm32::exti::{self, ExtiInput};
use embassy_stm32::gpio::Pull;
use embassy_stm32::mode::Async;
use embassy_stm32::{bind_interrupts, eth, interrupt, peripherals, rng, uid};
use static_cell::ConstStaticCell;

mod clock;

pub use board_hardware::exit;
use eth::{Ethernet, GenericPhy, PacketQueue, Sma};
use rng::Rng;

type Driver = Ethernet<'static, peripherals::ETH, GenericPhy<Sma<'static, peripherals::ETH_SMA>>>;

bind_interrupts!(struct Interrupts {
    ETH => eth::InterruptHandler;
    EXTI15_10 => exti::InterruptHandler<interrupt::typelevel::EXTI15_10>;
    RNG => rng::InterruptHandler<peripherals::RNG>;
});

/// Starts the board: its clocks, the network and the button. Returns the stack, and a seed for random bytes from the
/// chip's random number generator.
///
/// `on_interrupt` is called when the button is pressed.
pub fn start<const SOCKETS: usize>(
    spawner: Spawner,
    resources: &'static mut StackResources<SOCKETS>,
    on_interrupt: fn(),
) -> (Stack<'static>, [u8; 32]) {
    static QUEUE: ConstStaticCell<PacketQueue<4, 4>> = ConstStaticCell::new(PacketQueue::new());
    let chip = embassy_stm32::init(clock::config());
    let button = ExtiInput::new(chip.PC13, chip.EXTI13, Pull::Down, Interrupts);
    let mut rng = Rng::new(chip.RNG, Interrupts);
    let mut seed = [0; 32];
    rng.fill_bytes(&mut seed);
    let ethernet = Ethernet::new(
        QUEUE.take(),
        chip.ETH,
        Interrupts,
        chip.PA1,
        chip.PA7,
        chip.PC4,
        chip.PC5,
        chip.PG13,
        chip.PB13,
        chip.PG11,
        board_hardware::address(&uid::uid()),
        chip.ETH_SMA,
        chip.PA2,
        chip.PC1,
    );
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

/// Sleeps until the pin's interrupt. A button that bounces counts more than once, which interrupts
/// may.
#[embassy_executor::task]
async fn watch_button(mut button: ExtiInput<'static, Async>, on_interrupt: fn()) -> ! {
    loop {
        button.wait_for_rising_edge().await;
        on_interrupt();
    }
}
