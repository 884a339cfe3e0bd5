//! The interrupts that this board uses, and the vector table with their handlers.

use board_support::interrupt::{Handler, Interrupt, vectors};

use crate::{clock, ethernet, uart};

pub(crate) const UART0: Interrupt = Interrupt(5);
pub(crate) const TIMER0: Interrupt = Interrupt(19);
pub(crate) const ETHERNET: Interrupt = Interrupt(42);

/// The chip's 44 interrupt vectors, which follow the core's vectors.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [Handler; 44] = vectors(&[
    (UART0, uart::on_interrupt),
    (TIMER0, clock::on_alarm),
    (ETHERNET, ethernet::on_interrupt),
]);
