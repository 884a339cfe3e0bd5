//! Shared code of the boards with an ESP32-C3 or ESP32-C6: everything but the name of the chip. These chips have
//! one RISC-V core at 160 MHz, 400 or 512 KB of RAM, and Wi-Fi.
//!
//! `WIFI_NETWORK` and `WIFI_PASSWORD` are read from the environment at compile time. The board gets its address by
//! DHCP. While a program runs, BOOT is the button. espflash flashes the image and shows the log, both over the board's
//! USB connector.
//!
//! Espressif's Wi-Fi driver allocates memory, so this board has a heap. picoevent does not use the heap.

#![no_std]

use embassy_executor::Spawner;
use embassy_net::{Config, Runner, Stack, StackResources};
use embassy_time::Timer;
use esp_hal::gpio::{Input, InputConfig, Pull};
use esp_hal::interrupt::software::SoftwareInterruptControl;
use esp_hal::rng::Rng;
use esp_hal::timer::timg::TimerGroup;
use esp_radio::wifi::sta::StationConfig;
use esp_radio::wifi::{self, ControllerConfig, Interface, WifiController};
use {esp_backtrace as _, esp_println as _};

pub use esp_rtos::main;

// The boot loader looks for this description of the program.
esp_bootloader_esp_idf::esp_app_desc!();

/// The Wi-Fi network to join, and the network's password. Without a password, the board joins an open network.
const NETWORK: Option<&str> = option_env!("WIFI_NETWORK");
const PASSWORD: Option<&str> = option_env!("WIFI_PASSWORD");

/// Starts the board: Wi-Fi, the network and the button. Returns the stack, and a seed for random bytes. The seed
/// comes from the chip's random number generator, which uses the radio's noise.
///
/// `on_interrupt` is called when the button is pressed.
pub async fn start<const SOCKETS: usize>(
    spawner: Spawner,
    resources: &'static mut StackResources<SOCKETS>,
    on_interrupt: fn(),
) -> (Stack<'static>, [u8; 32]) {
    let chip = esp_hal::init(esp_hal::Config::default());
    esp_alloc::heap_allocator!(size: 72 * 1024);
    let timers = TimerGroup::new(chip.TIMG0);
    let interrupts = SoftwareInterruptControl::new(chip.SW_INTERRUPT);
    esp_rtos::start(timers.timer0, interrupts.software_interrupt0);

    let mut station = StationConfig::default();
    if let Some(name) = NETWORK {
        station = station.with_ssid(name).with_password(PASSWORD.unwrap_or_default().into());
    }
    let config = ControllerConfig::default().with_initial_config(wifi::Config::Station(station));
    let (controller, interfaces) =
        wifi::new(chip.WIFI, config).expect("nothing else has the radio");
    let (mut seed, mut stack_seed) = ([0; 32], [0; 8]);
    let rng = Rng::new();
    rng.read(&mut seed);
    rng.read(&mut stack_seed);
    let config = Config::dhcpv4(Default::default());
    let stack_seed = u64::from_le_bytes(stack_seed);
    let (stack, runner) = embassy_net::new(interfaces.station, config, resources, stack_seed);
    spawner.spawn(serve_network(runner).expect("spawned once"));
    match NETWORK {
        Some(name) => spawner.spawn(stay_joined(controller, name).expect("spawned once")),
        None => defmt::error!("no Wi-Fi: WIFI_NETWORK was not set when this was compiled"),
    }
    let button = Input::new(chip.GPIO9, InputConfig::default().with_pull(Pull::Up));
    spawner.spawn(watch_button(button, on_interrupt).expect("spawned once"));
    (stack, seed)
}

/// Ends the program. The board does nothing until it is reset.
pub async fn exit(status: i32) -> ! {
    defmt::info!("the program has ended with status {}", status);
    core::future::pending().await
}

#[embassy_executor::task]
async fn serve_network(mut runner: Runner<'static, Interface<'static>>) -> ! {
    runner.run().await
}

/// Joins the network, and joins it again each time the connection is lost.
#[embassy_executor::task]
async fn stay_joined(mut controller: WifiController<'static>, name: &'static str) -> ! {
    loop {
        match controller.connect_async().await {
            Ok(_) => drop(controller.wait_for_disconnect_async().await),
            Err(_) => defmt::warn!("cannot join {}", name),
        }
        Timer::after_secs(1).await;
    }
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
