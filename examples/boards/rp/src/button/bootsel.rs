//! BOOTSEL as a button, on an RP2040.
//!
//! BOOTSEL shares a wire with the flash that the program runs from. So each read disables interrupts and runs in RAM,
//! for about 30 microseconds. The button is read twenty times a second.

use embassy_rp::Peri;
use embassy_rp::bootsel::is_bootsel_pressed;
use embassy_rp::peripherals::{BOOTSEL, PIN_14};
use embassy_time::Timer;

/// The button.
pub(crate) struct Button(Peri<'static, BOOTSEL>);

impl Button {
    pub(crate) fn new(button: Peri<'static, BOOTSEL>, _: Peri<'static, PIN_14>) -> Self {
        Self(button)
    }
}

/// Calls `on_interrupt` each time the button is pressed.
#[embassy_executor::task]
pub(crate) async fn watch(mut button: Button, on_interrupt: fn()) -> ! {
    let mut was_pressed = false;
    loop {
        let is_pressed = is_bootsel_pressed(button.0.reborrow());
        if is_pressed && !was_pressed {
            on_interrupt();
        }
        was_pressed = is_pressed;
        Timer::after_millis(50).await;
    }
}
