//! Two interrupts without a device: the program pends them itself.

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;

/// An interrupt.
#[derive(Clone, Copy)]
#[repr(u16)]
pub enum Interrupt {
    /// Its handler does nothing. It measures the cost of an interrupt itself.
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

/// Unmasks both interrupts.
pub fn unmask() {
    for interrupt in [Interrupt::Empty, Interrupt::Pend] {
        // SAFETY: no critical section relies on the mask of a single interrupt.
        unsafe { NVIC::unmask(interrupt) }
    }
}

/// Pends an interrupt. Its handler has run when this function returns.
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

/// The vector table. Both boards have more vectors, but the interrupts of these vectors are never unmasked.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [Handler; 32] = {
    let mut vectors: [Handler; 32] = [DefaultHandler; 32];
    vectors[Interrupt::Empty as usize] = nothing;
    vectors[Interrupt::Pend as usize] = on_pend;
    vectors
};
