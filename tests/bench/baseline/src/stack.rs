//! Measures the depth of the stack: paints the stack (fills it with a pattern), and later checks how much of the
//! pattern was overwritten.
//!
//! ```text
//!   the guard ends here                                        the top, where it starts
//!   │ paint paint paint paint │ what the deepest moment wrote  │
//!                             └──────────── depth ────────────▶┘
//! ```
//!
//! The stack is painted twice, to measure start-up and service separately. During start-up, a large value may be made
//! on the stack and then moved to a static, so start-up may use more stack than service. Interrupt handlers use the
//! same stack, so the depth includes them. A function may reserve bytes on the stack and not write them. If these are
//! the lowest bytes, the depth does not include them.

use cortex_m::register::msp;

use crate::board::stack_limit;

unsafe extern "C" {
    /// The top of the stack. The linker script of cortex-m-rt defines this symbol.
    static _stack_start: u32;
}

const PAINT: u32 = 0xC0A7_ED57;

/// The bytes below the stack pointer that are not painted, because [`paint`] may use them.
const MARGIN: usize = 128;

/// Paints the free part of the stack.
pub fn paint() {
    let mut at = stack_limit() as *mut u32;
    let end = (msp::read() as usize - MARGIN) as *mut u32;
    while at < end {
        // SAFETY: the words from the limit up to the stack pointer are unused RAM. There is no heap, and the used part
        // of the stack is above these words. An interrupt handler may use them, but only until the handler returns to
        // this loop.
        unsafe {
            at.write_volatile(PAINT);
            at = at.add(1);
        }
    }
}

/// Logs how many bytes of the stack were used since the stack was painted, and the size of the stack.
pub fn report(when: &str) {
    let (bottom, top) = (stack_limit() as *const u32, &raw const _stack_start);
    let mut at = bottom;
    // SAFETY: all words from `bottom` to `top` are aligned RAM, and any content is a valid `u32`.
    while at < top && unsafe { at.read_volatile() } == PAINT {
        at = at.wrapping_add(1);
    }
    let (depth, room) = (top as usize - at as usize, top as usize - bottom as usize);
    defmt::info!("stack, {=str}: {=usize} bytes of {=usize}", when, depth, room);
}
