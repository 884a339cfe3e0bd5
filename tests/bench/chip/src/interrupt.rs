//! Two interrupts without a device: the program itself sets them pending.

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;

/// An interrupt.
#[derive(Clone, Copy)]
#[repr(u16)]
pub enum Interrupt {
    /// The handler of this interrupt does nothing. This interrupt is used to measure the cost of an interrupt without
    /// work.
    Empty = 0,
    /// The handler of this interrupt is the program's function `on_pend`.
    Pend = 1,
}

// SAFETY: both numbers have an entry in the table below, and the numbers never change.
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

/// Sets an interrupt pending. The handler of the interrupt has run when this function returns.
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

/// The vectors of the interrupts. Both boards have more interrupts, but the other interrupts are never unmasked.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [Handler; 32] = {
    let mut vectors: [Handler; 32] = [DefaultHandler; 32];
    vectors[Interrupt::Empty as usize] = nothing;
    vectors[Interrupt::Pend as usize] = on_pend;
    vectors
};
