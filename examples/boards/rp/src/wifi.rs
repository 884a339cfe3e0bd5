//! The CYW43439 of a Pico W or Pico 2 W. A PIO of the RP2040 or RP2350 works as the SPI bus of the CYW43439.
//!
//! ```text
//!  GP23 power   GP24 data   GP25 chip select   GP29 clock
//! ```

use cyw43::{Control, JoinOptions, PowerManagementMode, SpiBus, State};
use cyw43_pio::{DEFAULT_CLOCK_DIVIDER, PioSpi};
use embassy_executor::Spawner;
use embassy_net::{Config, Runner, Stack, StackResources};
use embassy_rp::gpio::{Level, Output};
use embassy_rp::peripherals::{DMA_CH0, PIO0};
use embassy_rp::pio::{self, Pio};
use embassy_rp::{bind_interrupts, dma};
use embassy_time::Timer;
use static_cell::StaticCell;

use crate::button::{self, Button};
use crate::chip;

pub use board_hardware::exit;

type Driver = cyw43::NetDriver<'static>;
type Bus = SpiBus<Output<'static>, PioSpi<'static, PIO0, 0>>;

bind_interrupts!(struct Interrupts {
    PIO0_IRQ_0 => pio::InterruptHandler<PIO0>;
    DMA_IRQ_0 => dma::InterruptHandler<DMA_CH0>;
});

/// The Wi-Fi network to join, and the network's password. Without a password, the board joins an open network.
const NETWORK: Option<&str> = option_env!("WIFI_NETWORK");
const PASSWORD: Option<&str> = option_env!("WIFI_PASSWORD");

/// Starts the board: Wi-Fi, the network and the button. Returns the stack, and a seed for random bytes.
///
/// `on_interrupt` is called when the button is pressed.
pub async fn start<const SOCKETS: usize>(
    spawner: Spawner,
    resources: &'static mut StackResources<SOCKETS>,
    on_interrupt: fn(),
) -> (Stack<'static>, [u8; 32]) {
    static STATE: StaticCell<State> = StaticCell::new();
    let mut rp = embassy_rp::init(Default::default());
    let (mut seed, mut stack_seed) = ([0; 32], [0; 8]);
    chip::random(&mut rp, &mut seed).await;
    chip::random(&mut rp, &mut stack_seed).await;
    let power = Output::new(rp.PIN_23, Level::Low);
    let select = Output::new(rp.PIN_25, Level::High);
    let mut pio = Pio::new(rp.PIO0, Interrupts);
    let bus = PioSpi::new(
        &mut pio.common,
        pio.sm0,
        DEFAULT_CLOCK_DIVIDER,
        pio.irq0,
        select,
        rp.PIN_24,
        rp.PIN_29,
        dma::Channel::new(rp.DMA_CH0, Interrupts),
    );
    let state = STATE.init_with(State::new);
    let (driver, mut control, controller) =
        cyw43::new(state, power, bus, &cyw43_setup::FW, &cyw43_setup::NVRAM).await;
    spawner.spawn(drive_controller(controller).expect("spawned once"));
    control.init(cyw43_setup::CLM).await;
    control.set_power_management(PowerManagementMode::PowerSave).await;
    let config = Config::dhcpv4(Default::default());
    let stack_seed = u64::from_le_bytes(stack_seed);
    let (stack, runner) = embassy_net::new(driver, config, resources, stack_seed);
    spawner.spawn(serve_network(runner).expect("spawned once"));
    match NETWORK {
        Some(name) => spawner.spawn(stay_joined(control, name, stack).expect("spawned once")),
        None => defmt::error!("no Wi-Fi: WIFI_NETWORK was not set when this was compiled"),
    }
    let button = Button::new(rp.BOOTSEL, rp.PIN_14);
    spawner.spawn(button::watch(button, on_interrupt).expect("spawned once"));
    (stack, seed)
}

#[embassy_executor::task]
async fn drive_controller(controller: cyw43::Runner<'static, Bus>) -> ! {
    controller.run().await
}

#[embassy_executor::task]
async fn serve_network(mut runner: Runner<'static, Driver>) -> ! {
    runner.run().await
}

/// Joins the network whenever the link is down. Checks the link once a second. The task cannot wait for a change of the
/// link: the stack wakes only one task when the link changes, and the task of the event loop needs this wake.
#[embassy_executor::task]
async fn stay_joined(
    mut control: Control<'static>,
    name: &'static str,
    stack: Stack<'static>,
) -> ! {
    loop {
        if !stack.is_link_up() {
            let options = PASSWORD.map_or_else(JoinOptions::new_open, |password| {
                JoinOptions::new(password.as_bytes())
            });
            if control.join(name, options).await.is_err() {
                defmt::warn!("cannot join {}", name);
            }
        }
        Timer::after_secs(1).await;
    }
}
