//! Measures the depth of the stack: paints it, and later checks how much of the paint was overwritten.
//!
//! ```text
//!   end of the statics                                         the top, where it starts
//!   │ paint paint paint paint │ what the deepest moment wrote  │
//!                             └──────────── depth ────────────▶┘
//! ```
//!
//! The stack is painted twice, to measure start-up and service separately: a large value that is made on the
//! stack and then moved to a static may be the deepest point of start-up. Interrupts use the same stack, so
//! the depth includes them. It does not include bytes at the very bottom that a function reserves but does
//! not write.

use cortex_m::register::msp;

unsafe extern "C" {
    /// The end of the statics and the first word that the stack may use, by cortex-m-rt's script.
    static mut __sheap: u32;
    /// The top of the stack.
    static _stack_start: u32;
}

const PAINT: u32 = 0xC0A7_ED57;

/// The bytes below the stack pointer that are not painted, because the painter uses them.
const MARGIN: usize = 128;

/// Paints the free part of the stack.
pub fn paint() {
    let mut at = (&raw mut __sheap).cast::<u32>();
    let end = (msp::read() as usize - MARGIN) as *mut u32;
    while at < end {
        // SAFETY: the words from `__sheap` up to the stack pointer are RAM that nothing uses: there is no heap, the
        // stack is above, and an interrupt that occurs during this loop no longer uses them when the loop continues.
        unsafe {
            at.write_volatile(PAINT);
            at = at.add(1);
        }
    }
}

/// Logs the number of bytes of the stack that were used since it was painted, and its size.
pub fn report(when: &str) {
    let (bottom, top) = (&raw const __sheap, &raw const _stack_start);
    let mut at = bottom;
    // SAFETY: all words between the marks are RAM, aligned, and read as they are.
    while at < top && unsafe { at.read_volatile() } == PAINT {
        at = at.wrapping_add(1);
    }
    let (depth, room) = (top as usize - at as usize, top as usize - bottom as usize);
    defmt::info!("stack, {=str}: {=usize} bytes of {=usize}", when, depth, room);
}
