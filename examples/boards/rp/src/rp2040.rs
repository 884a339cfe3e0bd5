//! The RP2040: a unique number, and random bytes.

use embassy_rp::clocks::RoscRng;
use embassy_rp::flash::{Blocking, Flash};
use embassy_rp::peripherals::FLASH;
use embassy_rp::{Peri, Peripherals};

/// The size of the flash in bytes, which embassy-rp needs.
const SIZE: usize = 2 * 1024 * 1024;

/// Returns the unique number of the board's flash, because the RP2040 has no unique number.
#[allow(dead_code, reason = "the chip for Wi-Fi has an address of its own")]
pub(crate) fn number(chip: &mut Peripherals) -> [u8; 8] {
    // The program stops during the read, because the program runs from the same flash.
    fn of(flash: Peri<'_, FLASH>) -> [u8; 8] {
        let mut number = [0; 8];
        Flash::<_, Blocking, SIZE>::new_blocking(flash)
            .blocking_unique_id(&mut number)
            .expect("nothing else uses the flash");
        number
    }
    of(chip.FLASH.reborrow())
}

/// Fills `bytes` from the ring oscillator. The bytes are only **weakly** random: do not use them for keys.
pub(crate) async fn random(_: &mut Peripherals, bytes: &mut [u8]) {
    RoscRng.fill_bytes(bytes);
}
