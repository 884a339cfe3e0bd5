//! The first UART, a PL011. It sends log frames and receives Ctrl-C.

use board_support::console;
use board_support::mmio::Registers;

use crate::interrupt;

// SAFETY: this is UART0 of the chip, and only this module touches it.
const UART: Registers = unsafe { Registers::new(0x4000_C000, 0x1000) };

const DATA: usize = 0x000;
const FLAGS: usize = 0x018;
const CONTROL: usize = 0x030;
const MASK: usize = 0x038;
const CLEAR: usize = 0x044;

const RECEIVE_EMPTY: u32 = 1 << 4;
const TRANSMIT_FULL: u32 = 1 << 5;
const RECEIVED: u32 = 1 << 4;
/// UART, transmitter and receiver on.
const ON: u32 = 1 | 1 << 8 | 1 << 9;

/// Starts the UART without FIFOs, so that each received byte interrupts. QEMU needs no baud rate.
pub(crate) fn start() {
    UART.write(CONTROL, ON);
    UART.write(MASK, RECEIVED);
    interrupt::UART0.unmask();
}

/// Waits until the UART has room, and sends a byte.
pub(crate) fn send(byte: u8) {
    while UART.read(FLAGS) & TRANSMIT_FULL != 0 {}
    UART.write(DATA, u32::from(byte));
}

/// Passes the received bytes to the console.
pub(crate) extern "C" fn on_interrupt() {
    UART.write(CLEAR, RECEIVED);
    while UART.read(FLAGS) & RECEIVE_EMPTY == 0 {
        console::received(UART.read(DATA) as u8);
    }
}
