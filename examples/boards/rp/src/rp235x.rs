//! The RP2350: a unique number, and random bytes.

use embassy_rp::peripherals::TRNG;
use embassy_rp::trng::{InterruptHandler, Trng};
use embassy_rp::{Peripherals, bind_interrupts, otp};

bind_interrupts!(struct Interrupts {
    TRNG_IRQ => InterruptHandler<TRNG>;
});

/// Returns the chip's unique number.
#[allow(dead_code, reason = "the chip for Wi-Fi has an address of its own")]
pub(crate) fn number(_: &mut Peripherals) -> [u8; 8] {
    otp::get_chipid().expect("a chip that is sold has a number").to_be_bytes()
}

/// Fills `bytes` from the chip's random number generator.
pub(crate) async fn random(chip: &mut Peripherals, bytes: &mut [u8]) {
    let mut generator = Trng::new(chip.TRNG.reborrow(), Interrupts, Default::default());
    generator.fill_bytes(bytes).await;
}
