//! The network over USB: the host sees the board as a network card.

use board_usb::Cable;
use embassy_executor::Spawner;
use embassy_net::{Stack, StackResources};
use embassy_rp::peripherals::USB;
use embassy_rp::usb::{Driver, InterruptHandler};
use embassy_rp::{bind_interrupts, rom_data};

use crate::button::{self, Button};
use crate::chip;

bind_interrupts!(struct Interrupts {
    USBCTRL_IRQ => InterruptHandler<USB>;
});

/// Starts the board: the network over USB, and the button. Returns the stack, and a seed for random bytes.
///
/// `on_interrupt` is called when the button is pressed.
pub async fn start<const SOCKETS: usize>(
    spawner: Spawner,
    resources: &'static mut StackResources<SOCKETS>,
    on_interrupt: fn(),
) -> (Stack<'static>, [u8; 32]) {
    let mut rp = embassy_rp::init(Default::default());
    let number = chip::number(&mut rp);
    let (mut seed, mut stack_seed) = ([0; 32], [0; 8]);
    chip::random(&mut rp, &mut seed).await;
    chip::random(&mut rp, &mut stack_seed).await;
    let (cable, driver) = Cable::new(Driver::new(rp.USB, Interrupts), &number);
    spawner.spawn(serve_host(cable).expect("spawned once"));
    let stack = board_usb::start(spawner, driver, resources, u64::from_le_bytes(stack_seed));
    let button = Button::new(rp.BOOTSEL, rp.PIN_14);
    spawner.spawn(button::watch(button, on_interrupt).expect("spawned once"));
    (stack, seed)
}

/// Ends the program. The board then appears as the USB drive, so that the next program can be flashed.
pub async fn exit(status: i32) -> ! {
    defmt::info!("the program has ended with status {}; the board is a drive now", status);
    board_usb::wait_until_sent().await;
    rom_data::reset_to_usb_boot(0, 0);
    // Wait: the chip restarts soon.
    core::future::pending().await
}

#[embassy_executor::task]
async fn serve_host(cable: Cable<Driver<'static, USB>>) -> ! {
    cable.run().await
}
