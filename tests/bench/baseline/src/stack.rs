//! How deep the stack has been: it is painted, and looked at later.
//!
//! ```text
//!   end of the statics                                         the top, where it starts
//!   │ paint paint paint paint │ what the deepest moment wrote  │
//!                             └──────────── depth ────────────▶┘
//! ```
//!
//! Start-up and service are told apart by painting it twice: what is made once, on the stack, before
//! it moves to its static may be deeper than anything later. Interrupts use the same stack, so they
//! are in it. What a function reserves at the very bottom and does not write looks untouched.

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

/// Paints what is free of the stack.
pub fn paint() {
    let mut at = (&raw mut __sheap).cast::<u32>();
    let end = (msp::read() as usize - MARGIN) as *mut u32;
    while at < end {
        // SAFETY: the words from `__sheap` up to the stack pointer are RAM that nothing uses: there is
        // no heap, the stack is above, and an interrupt that comes meanwhile has left them again
        // when this goes on.
        unsafe {
            at.write_volatile(PAINT);
            at = at.add(1);
        }
    }
}

/// Logs how many bytes of the stack were in use since it was painted, and how many there are.
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
