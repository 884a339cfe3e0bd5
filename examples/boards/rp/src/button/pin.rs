//! GP14 as a button, on an RP2350, whose BOOTSEL embassy-rp does not read: one from there to ground, which is the
//! pin beside it, or just a wire that touches both.

use embassy_rp::Peri;
use embassy_rp::gpio::{Input, Pull};
use embassy_rp::peripherals::{BOOTSEL, PIN_14};

/// The button.
pub(crate) struct Button(Input<'static>);

impl Button {
    pub(crate) fn new(_: Peri<'static, BOOTSEL>, pin: Peri<'static, PIN_14>) -> Self {
        Self(Input::new(pin, Pull::Up))
    }
}

/// Sleeps until the pin's interrupt, and calls `on_interrupt`. A button that bounces counts more than once, which
/// interrupts may.
#[embassy_executor::task]
pub(crate) async fn watch(mut button: Button, on_interrupt: fn()) -> ! {
    loop {
        button.0.wait_for_falling_edge().await;
        on_interrupt();
    }
}
