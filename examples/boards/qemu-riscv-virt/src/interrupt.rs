//! The platform-level interrupt controller (PLIC), for the only hart in machine mode.

use board_support::mmio::Registers;
use riscv::interrupt::Interrupt;

use crate::{ethernet, uart};

// SAFETY: this is the PLIC, and only this module touches it.
const PLIC: Registers = unsafe { Registers::new(0x0C00_0000, 0x40_0000) };

/// The offset of the priority of interrupt source 0. The priority of each source is one word.
const PRIORITY: usize = 0;
/// The offset of the enable bits, with one bit for each interrupt source.
const ENABLE: usize = 0x2000;
const THRESHOLD: usize = 0x20_0000;
/// A read claims a pending interrupt and returns its source, or returns 0 if no interrupt is pending. A write of the
/// source completes the interrupt.
const CLAIM: usize = 0x20_0004;

const UART0: u32 = 10;
/// The interrupt source of the last of the eight slots for virtio devices. QEMU puts the first device into the last
/// slot.
const VIRTIO8: u32 = 8;

/// Enables the interrupts of all devices.
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
