//! A backtrace from the words on the stack, for a firmware that ends in a panic or a fault.
//!
//! Messages and source locations of panics take ten kilobytes of flash in a server like hello-world.
//! So the board only logs the addresses of the active calls; `cargo xtask qemu` looks up their
//! functions and lines in the ELF file, where they cost the board nothing.
//!
//! There are no frame pointers to follow. Every word on the stack that points just behind a call is
//! taken for a return address: none is missed, but some may be left over from earlier calls.

use cortex_m::register::msp;

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
    let (mut at, end) = (msp::read(), &raw const _stack_start as u32);
    let mut found = 0;
    while at < end && found < MOST {
        let word = word(at);
        // A return address has its lowest bit set, for Thumb code.
        if word & 1 == 1 && (text + 4..text_end).contains(&word) && follows_a_call(word - 1) {
            defmt::error!("called from {=u32:#010x}", word - 1);
            found += 1;
        }
        at += 4;
    }
}

/// Returns whether the instruction before `address` is a call: `bl`, of two halves, or `blx`, of one.
fn follows_a_call(address: u32) -> bool {
    let (first, second) = (half(address - 4), half(address - 2));
    let long = first & 0xF800 == 0xF000 && second & 0xD000 == 0xD000;
    long || second & 0xFF87 == 0x4780
}

fn half(address: u32) -> u32 {
    let both = word(address & !3);
    if address & 2 == 0 { both & 0xFFFF } else { both >> 16 }
}

/// Reads a word of the stack or of the code.
fn word(address: u32) -> u32 {
    // SAFETY: `log` asks for the stack from its pointer up, and for code between the linker's
    // marks; both are memory that can be read, by aligned words.
    unsafe { (address as *const u32).read_volatile() }
}
