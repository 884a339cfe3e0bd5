//! A backtrace from the words on the stack, for firmware that ends in a panic or a fault.
//!
//! Messages and source locations of panics take ten kilobytes of flash in a server like hello-world. So the board logs
//! only the addresses of the active calls. `cargo xtask qemu` looks up the functions and lines of these addresses in
//! the ELF file; this information takes no flash.
//!
//! There are no frame pointers. So every word on the stack that points just after a call counts as a return address.
//! Some of these addresses may be left over from earlier calls. On RISC-V, an address may be missing: a function that
//! calls another function only to panic does not save its return address.

use crate::processor;

unsafe extern "C" {
    static _stack_start: u32;
    static __stext: u32;
    static __etext: u32;
}

/// The maximum number of addresses that are logged.
const MAX_CALLS: usize = 16;

/// Logs the active calls, the latest first.
pub(crate) fn log() {
    let (text, text_end) = (&raw const __stext as u32, &raw const __etext as u32);
    let (mut at, end) = (processor::stack_pointer(), &raw const _stack_start as u32);
    let mut found = 0;
    while at < end && found < MAX_CALLS {
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

/// Reads a half-word of the code.
pub(crate) fn half_word(address: u32) -> u32 {
    let both = word(address & !3);
    if address & 2 == 0 { both & 0xFFFF } else { both >> 16 }
}

/// Reads a word of the stack or of the code.
fn word(address: u32) -> u32 {
    // SAFETY: `log` reads the stack from the stack pointer up, and the code between the linker's symbols.
    // Both are readable memory, and the address is aligned.
    unsafe { (address as *const u32).read_volatile() }
}
