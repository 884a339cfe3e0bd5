//! Two interrupts that no device raises: a program pends them itself.

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;

/// An interrupt.
#[derive(Clone, Copy)]
#[repr(u16)]
pub enum Interrupt {
    /// Its handler does nothing: what taking an interrupt costs by itself.
    Empty = 0,
    /// Its handler is the program's `on_pend`.
    Pend = 1,
}

// SAFETY: both numbers have an entry in the table below, and they never change.
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        self as u16
    }
}

/// Lets both interrupts through.
pub fn unmask() {
    for interrupt in [Interrupt::Empty, Interrupt::Pend] {
        // SAFETY: no critical section relies on the mask of a single interrupt.
        unsafe { NVIC::unmask(interrupt) }
    }
}

/// Lets an interrupt happen: its handler has run when this returns.
#[inline(always)]
pub fn pend(interrupt: Interrupt) {
    NVIC::pend(interrupt);
    cortex_m::asm::dsb();
    cortex_m::asm::isb();
}

extern "C" fn nothing() {}

type Handler = unsafe extern "C" fn();

unsafe extern "C" {
    fn DefaultHandler();
    fn on_pend();
}

/// Both boards have more vectors than these; none of the others is unmasked.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [Handler; 32] = {
    let mut vectors: [Handler; 32] = [DefaultHandler; 32];
    vectors[Interrupt::Empty as usize] = nothing;
    vectors[Interrupt::Pend as usize] = on_pend;
    vectors
};
