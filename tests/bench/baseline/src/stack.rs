//! How deep the stack has been: it is painted at start, and looked at before the end.
//!
//! ```text
//!   end of the statics                                         the top, where it starts
//!   │ paint paint paint paint │ what the deepest moment wrote  │
//!                             └──────────── depth ────────────▶┘
//! ```
//!
//! Interrupts use the same stack, so they are in it. Memory that a function reserves and does not
//! write may look untouched at the very bottom, by some bytes.

use cortex_m::register::msp;

unsafe extern "C" {
    /// The end of the statics and the first word that the stack may use, by cortex-m-rt's script.
    static mut __sheap: u32;
    /// The top.
    static _stack_start: u32;
}

const PAINT: u32 = 0xC0A7_ED57;

/// Bytes below the stack pointer that are left alone: the painter's own.
const MARGIN: usize = 128;

/// Paints what is free of the stack. Called once, before interrupts are let through.
pub fn paint() {
    let mut at = (&raw mut __sheap).cast::<u32>();
    let end = (msp::read() as usize - MARGIN) as *mut u32;
    while at < end {
        // SAFETY: the words from `__sheap` up to the stack pointer are RAM that nothing uses yet:
        // there is no heap, the stack is above, and no interrupt comes before this returns.
        unsafe {
            at.write_volatile(PAINT);
            at = at.add(1);
        }
    }
}

/// Logs how many bytes of the stack were ever in use, and how many there are.
pub fn report() {
    let (bottom, top) = (&raw const __sheap, &raw const _stack_start);
    let mut at = bottom;
    // SAFETY: all words between the marks are RAM, aligned, and read as they are.
    while at < top && unsafe { at.read_volatile() } == PAINT {
        at = at.wrapping_add(1);
    }
    let (depth, room) = (top as usize - at as usize, top as usize - bottom as usize);
    defmt::info!("stack: {=usize} bytes of {=usize}", depth, room);
}
