//! The RP2040: its number, and random bytes.

use embassy_rp::clocks::RoscRng;
use embassy_rp::flash::{Blocking, Flash};
use embassy_rp::peripherals::FLASH;
use embassy_rp::{Peri, Peripherals};

/// The size of the flash, which embassy-rp wants to know.
const SIZE: usize = 2 * 1024 * 1024;

/// Returns the board's number, which no other has: that of its flash, as the RP2040 has none.
#[allow(dead_code, reason = "the chip for Wi-Fi has an address of its own")]
pub(crate) fn number(chip: &mut Peripherals) -> [u8; 8] {
    // The program stops meanwhile: it is in the same flash.
    fn of(flash: Peri<'_, FLASH>) -> [u8; 8] {
        let mut number = [0; 8];
        Flash::<_, Blocking, SIZE>::new_blocking(flash)
            .blocking_unique_id(&mut number)
            .expect("nothing else uses the flash");
        number
    }
    of(chip.FLASH.reborrow())
}

/// Fills `bytes` from the ring oscillator, which is a **weak** generator and not for keys.
pub(crate) async fn random(_: &mut Peripherals, bytes: &mut [u8]) {
    RoscRng.fill_bytes(bytes);
}
