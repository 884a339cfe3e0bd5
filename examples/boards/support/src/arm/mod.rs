//! The Cortex-M processor: sleep, the return addresses of calls for a backtrace, and fault handlers.

use cortex_m::register::msp;
pub use cortex_m_rt::entry;
use cortex_m_rt::{ExceptionFrame, exception};

use crate::backtrace::half_word;
use crate::exit::fail;

mod divide;
pub mod interrupt;
mod memory;
mod stack;

pub use stack::stack_limit;

/// Sleeps until an interrupt is pending, even if interrupts are disabled.
pub(crate) fn sleep() {
    cortex_m::asm::wfi();
}

/// Returns the stack pointer: the lowest address of the stack that is in use.
pub(crate) fn stack_pointer() -> u32 {
    msp::read()
}

/// Returns the return address that a word of the stack contains; `None` if the word is not a return address. The lowest
/// bit of the word must be set, for Thumb code, and the instruction before the address must be a call. A call is `bl`,
/// which has two half-words, or `blx`, which has one half-word.
pub(crate) fn return_address(word: u32) -> Option<u32> {
    if word & 1 == 0 {
        return None;
    }
    let address = word - 1;
    let (first, second) = (half_word(address - 4), half_word(address - 2));
    let long = first & 0xF800 == 0xF000 && second & 0xD000 == 0xD000;
    (long || second & 0xFF87 == 0x4780).then_some(address)
}

// SAFETY: the handler never returns, and needs no state of the program that faulted.
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    if stack::has_overflowed() {
        // The processor may not have been able to save the program counter.
        defmt::error!("stack overflow");
    } else {
        defmt::error!("hard fault");
        defmt::error!("called from {=u32:#010x}", frame.pc());
    }
    fail()
}

// SAFETY: the handler never returns, and needs no state of the program that it interrupted.
#[exception]
unsafe fn DefaultHandler(number: i16) -> ! {
    defmt::error!("no driver for interrupt {=i16}", number);
    fail()
}
