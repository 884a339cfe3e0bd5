//! A RISC-V of 32 bits in machine mode: how it sleeps, what a call looks like in its code, and its
//! faults.

use core::arch::asm;

use riscv::register::{mcause, mepc};
pub use riscv_rt::entry;

use crate::backtrace::half;
use crate::exit::broken;

/// Sleeps until an interrupt is pending, also if interrupts are held off.
pub(crate) fn sleep() {
    riscv::asm::wfi();
}

/// Returns the address of the last word on the stack.
pub(crate) fn stack_pointer() -> u32 {
    let pointer;
    // SAFETY: it copies a register.
    unsafe { asm!("mv {}, sp", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}

/// Returns the address that a word on the stack leads back to, if the instruction before it is a
/// call: `jal` or `jalr`, of two halves, or `c.jal` or `c.jalr`, of one.
pub(crate) fn return_address(word: u32) -> Option<u32> {
    if word & 1 == 1 {
        return None;
    }
    let (first, second) = (half(word - 4), half(word - 2));
    // Both save the return address in x1.
    let long = first & 0x0FFF == 0x00EF || first & 0x7FFF == 0x00E7;
    let short = second & 0xE003 == 0x2001 || (second & 0xF07F == 0x9002 && second & 0x0F80 != 0);
    (long || short).then_some(word)
}

/// Handles what the processor cannot do, such as reading where nothing is.
#[unsafe(export_name = "ExceptionHandler")]
extern "C" fn on_exception(_: &riscv_rt::TrapFrame) -> ! {
    defmt::error!("exception {=usize}", mcause::read().code());
    defmt::error!("called from {=usize:#010x}", mepc::read());
    broken()
}

/// Handles an interrupt that no driver has.
#[unsafe(export_name = "DefaultHandler")]
extern "C" fn on_interrupt() -> ! {
    defmt::error!("no driver for interrupt {=usize}", mcause::read().code());
    broken()
}
