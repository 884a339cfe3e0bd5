//! The interrupts of a chip, and the vector table that names their handlers.

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;

/// An interrupt, identified by its number on the chip.
#[derive(Clone, Copy)]
pub struct Interrupt(pub u16);

/// An interrupt handler.
pub type Handler = unsafe extern "C" fn();

unsafe extern "C" {
    fn DefaultHandler();
}

// SAFETY: the number never changes.
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        self.0
    }
}

impl Interrupt {
    /// Enables the interrupt.
    pub fn unmask(self) {
        // SAFETY: drivers unmask after their device is set up, and no critical section relies on the
        // mask of a single interrupt.
        unsafe { NVIC::unmask(self) }
    }
}

/// Returns the vector table of a chip with `N` interrupts. A board puts this table after the core's vectors, as
/// `__INTERRUPTS`.
pub const fn vectors<const N: usize>(handlers: &[(Interrupt, Handler)]) -> [Handler; N] {
    let mut vectors: [Handler; N] = [DefaultHandler; N];
    let mut at = 0;
    while at < handlers.len() {
        let (interrupt, handler) = handlers[at];
        vectors[interrupt.0 as usize] = handler;
        at += 1;
    }
    vectors
}
