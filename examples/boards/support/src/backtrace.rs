//! A backtrace from the words on the stack, for a firmware that ends in a panic or a fault.
//!
//! Messages and source locations of panics take ten kilobytes of flash in a server like hello-world.
//! So the board only logs the addresses of the active calls; `cargo xtask qemu` looks up their
//! functions and lines in the ELF file, where they cost the board nothing.
//!
//! There are no frame pointers to follow. Every word on the stack that points just behind a call is
//! taken for a return address: some may be left over from earlier calls. On a RISC-V, one may be missed: a
//! function that calls another only to panic does not save its own.

use crate::processor;

unsafe extern "C" {
    static _stack_start: u32;
    static __stext: u32;
    static __etext: u32;
}

/// The most addresses that are logged.
const MOST: usize = 16;

/// Logs the active calls, the latest first.
pub(crate) fn log() {
    let (text, text_end) = (&raw const __stext as u32, &raw const __etext as u32);
    let (mut at, end) = (processor::stack_pointer(), &raw const _stack_start as u32);
    let mut found = 0;
    while at < end && found < MOST {
        let word = word(at);
        if (text + 4..text_end).contains(&word)
            && let Some(address) = processor::return_address(word)
        {
            defmt::error!("called from {=u32:#010x}", address);
            found += 1;
        }
        at += 4;
    }
}

/// Reads half a word of the code.
pub(crate) fn half(address: u32) -> u32 {
    let both = word(address & !3);
    if address & 2 == 0 { both & 0xFFFF } else { both >> 16 }
}

/// Reads a word of the stack or of the code.
fn word(address: u32) -> u32 {
    // SAFETY: `log` asks for the stack from its pointer up, and for code between the linker's
    // marks; both are memory that can be read, by aligned words.
    unsafe { (address as *const u32).read_volatile() }
}
