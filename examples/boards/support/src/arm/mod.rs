//! A Cortex-M: how it sleeps, what a call looks like in its code, and its faults.

use cortex_m::register::msp;
pub use cortex_m_rt::entry;
use cortex_m_rt::{ExceptionFrame, exception};

use crate::backtrace::half;
use crate::exit::broken;

mod divide;
pub mod interrupt;
mod memory;

/// Sleeps until an interrupt is pending, also if interrupts are held off.
pub(crate) fn sleep() {
    cortex_m::asm::wfi();
}

/// Returns the address of the last word on the stack.
pub(crate) fn stack_pointer() -> u32 {
    msp::read()
}

/// Returns the address that a word on the stack leads back to, if the instruction before it is a
/// call: `bl`, of two halves, or `blx`, of one. The lowest bit of the word is set, for Thumb code.
pub(crate) fn return_address(word: u32) -> Option<u32> {
    if word & 1 == 0 {
        return None;
    }
    let address = word - 1;
    let (first, second) = (half(address - 4), half(address - 2));
    let long = first & 0xF800 == 0xF000 && second & 0xD000 == 0xD000;
    (long || second & 0xFF87 == 0x4780).then_some(address)
}

// SAFETY: the handler returns to nowhere and needs no state of the program that faulted.
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    defmt::error!("hard fault");
    defmt::error!("called from {=u32:#010x}", frame.pc());
    broken()
}

// SAFETY: the handler returns to nowhere and needs no state of the program it interrupted.
#[exception]
unsafe fn DefaultHandler(number: i16) -> ! {
    defmt::error!("no driver for interrupt {=i16}", number);
    broken()
}
