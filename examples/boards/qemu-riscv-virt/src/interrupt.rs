//! The platform's interrupt controller, for the only hart in machine mode.

use board_support::mmio::Registers;
use riscv::interrupt::Interrupt;

use crate::{ethernet, uart};

// SAFETY: this is the controller, and only this module touches it.
const PLIC: Registers = unsafe { Registers::new(0x0C00_0000, 0x40_0000) };

/// The priority of source 0; each has a word.
const PRIORITY: usize = 0;
/// A bit for each source.
const ENABLE: usize = 0x2000;
const THRESHOLD: usize = 0x20_0000;
/// Reading says which source interrupts, or 0; writing says that it was handled.
const CLAIM: usize = 0x20_0004;

const UART0: u32 = 10;
/// The last of the eight places for virtio devices, of which QEMU fills the last first.
const VIRTIO8: u32 = 8;

/// Lets the interrupts of all devices through.
pub(crate) fn start() {
    for source in [UART0, VIRTIO8] {
        PLIC.write(PRIORITY + 4 * source as usize, 1);
    }
    PLIC.write(ENABLE, 1 << UART0 | 1 << VIRTIO8);
    PLIC.write(THRESHOLD, 0);
    // SAFETY: the devices are set up, and their handler is `on_interrupt`.
    unsafe {
        riscv::interrupt::enable_interrupt(Interrupt::MachineExternal);
        riscv::interrupt::enable();
    }
}

#[riscv_rt::core_interrupt(Interrupt::MachineExternal)]
fn on_interrupt() {
    let source = PLIC.read(CLAIM);
    match source {
        UART0 => uart::on_interrupt(),
        VIRTIO8 => ethernet::on_interrupt(),
        _ => {}
    }
    PLIC.write(CLAIM, source);
}
