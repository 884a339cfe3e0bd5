//! The board's number, which no other has: that of its flash, as the RP2040 has none.

use embassy_rp::Peri;
use embassy_rp::flash::{Blocking, Flash};
use embassy_rp::peripherals::FLASH;

/// The size of the flash, which embassy-rp wants to know.
const SIZE: usize = 2 * 1024 * 1024;

/// Reads the number. The program stops meanwhile: it is in the same flash.
pub(crate) fn number(flash: Peri<'static, FLASH>) -> [u8; 8] {
    let mut number = [0; 8];
    Flash::<_, Blocking, SIZE>::new_blocking(flash)
        .blocking_unique_id(&mut number)
        .expect("nothing else uses the flash");
    number
}
