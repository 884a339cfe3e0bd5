//! The interrupts this board uses, and the vector table that names their handlers.

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;

use crate::{clock, ethernet, uart};

/// An interrupt of the chip.
#[derive(Clone, Copy)]
#[repr(u16)]
pub(crate) enum Interrupt {
    Uart0 = 5,
    Timer0 = 19,
    Ethernet = 42,
}

// SAFETY: the numbers are the chip's, each has an entry in the table below, and they never change.
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        self as u16
    }
}

/// Lets an interrupt through.
pub(crate) fn unmask(interrupt: Interrupt) {
    // SAFETY: drivers unmask after their device is set up, and no critical section relies on the
    // mask of a single interrupt.
    unsafe { NVIC::unmask(interrupt) }
}

type Handler = unsafe extern "C" fn();

unsafe extern "C" {
    fn DefaultHandler();
}

/// The chip's 44 vectors, after the core's own.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [Handler; 44] = {
    let mut vectors: [Handler; 44] = [DefaultHandler; 44];
    vectors[Interrupt::Uart0 as usize] = uart::on_interrupt;
    vectors[Interrupt::Timer0 as usize] = clock::on_alarm;
    vectors[Interrupt::Ethernet as usize] = ethernet::on_interrupt;
    vectors
};
