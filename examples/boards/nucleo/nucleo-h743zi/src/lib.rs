//! ST's Nucleo-144 board with an STM32H743ZI: a Cortex-M7 at 400 MHz with 1 MB of RAM and 2 MB of
//! flash. Static variables are in the 512 KB of RAM at 0x2400_0000.

#![no_std]

use board_nucleo::Parts;
use embassy_executor::Spawner;
use embassy_net::{Stack, StackResources};
use embassy_stm32::eth::{self, Ethernet};
use embassy_stm32::exti::{self, ExtiInput};
use embassy_stm32::gpio::Pull;
use embassy_stm32::rng::{self, Rng};
use embassy_stm32::{bind_interrupts, interrupt, peripherals};

mod clock;

pub use board_nucleo::{exit, main};

bind_interrupts!(struct Interrupts {
    ETH => eth::InterruptHandler;
    EXTI15_10 => exti::InterruptHandler<interrupt::typelevel::EXTI15_10>;
    RNG => rng::InterruptHandler<peripherals::RNG>;
});

/// Starts the board: its clocks, the network and the button. Returns the stack, and a seed for random bytes.
///
/// `on_interrupt` is called when the button is pressed.
pub async fn start<const SOCKETS: usize>(
    spawner: Spawner,
    resources: &'static mut StackResources<SOCKETS>,
    on_interrupt: fn(),
) -> (Stack<'static>, [u8; 32]) {
    let chip = embassy_stm32::init(clock::config());
    let parts = Parts {
        ethernet: Ethernet::new(
            board_nucleo::queue(),
            chip.ETH,
            Interrupts,
            chip.PA1,
            chip.PA7,
            chip.PC4,
            chip.PC5,
            chip.PG13,
            chip.PB13,
            chip.PG11,
            board_nucleo::address(),
            chip.ETH_SMA,
            chip.PA2,
            chip.PC1,
        ),
        button: ExtiInput::new(chip.PC13, chip.EXTI13, Pull::Down, Interrupts),
        rng: Rng::new(chip.RNG, Interrupts),
    };
    board_nucleo::start(spawner, resources, parts, on_interrupt)
}
