//! GP14 as a button, on an RP2350, because embassy-rp cannot read this chip's BOOTSEL.
//!
//! Connect a button from GP14 to ground, which is the pin next to GP14. A wire that touches both pins has the same
//! effect as a button.

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

/// Calls `on_interrupt` each time the button is pressed, and sleeps between the presses. A button that bounces causes
/// more than one call.
#[embassy_executor::task]
pub(crate) async fn watch(mut button: Button, on_interrupt: fn()) -> ! {
    loop {
        button.0.wait_for_falling_edge().await;
        on_interrupt();
    }
}
