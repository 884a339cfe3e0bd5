//! A 32-bit RISC-V in machine mode: sleep, the return addresses of calls for a backtrace, and fault handlers.

use core::arch::asm;

use riscv::register::{mcause, mepc};
pub use riscv_rt::entry;

use crate::backtrace::half_word;
use crate::exit::fail;

/// Sleeps until an interrupt is pending, even if interrupts are disabled.
pub(crate) fn sleep() {
    riscv::asm::wfi();
}

/// Returns the stack pointer: the lowest address of the stack that is in use.
pub(crate) fn stack_pointer() -> u32 {
    let pointer;
    // SAFETY: the instruction only copies a register.
    unsafe { asm!("mv {}, sp", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}

/// Returns the return address that a word of the stack contains; `None` if the word is not a return address. The
/// instruction before the address must be a call. A call is `jal` or `jalr`, which have two half-words, or `c.jal` or
/// `c.jalr`, which have one half-word.
pub(crate) fn return_address(word: u32) -> Option<u32> {
    if word & 1 == 1 {
        return None;
    }
    let (first, second) = (half_word(word - 4), half_word(word - 2));
    // A `jal` or `jalr` is a call if it saves the return address in x1.
    let long = first & 0x0FFF == 0x00EF || first & 0x7FFF == 0x00E7;
    let short = second & 0xE003 == 0x2001 || (second & 0xF07F == 0x9002 && second & 0x0F80 != 0);
    (long || short).then_some(word)
}

/// Handles an exception of the processor, such as a read from an invalid address.
#[unsafe(export_name = "ExceptionHandler")]
extern "C" fn on_exception(_: &riscv_rt::TrapFrame) -> ! {
    defmt::error!("exception {=usize}", mcause::read().code());
    defmt::error!("called from {=usize:#010x}", mepc::read());
    fail()
}

/// Handles an interrupt that has no driver.
#[unsafe(export_name = "DefaultHandler")]
extern "C" fn on_interrupt() -> ! {
    defmt::error!("no driver for interrupt {=usize}", mcause::read().code());
    fail()
}
