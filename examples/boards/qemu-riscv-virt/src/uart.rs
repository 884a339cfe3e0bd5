//! The UART, a 16550. It sends log frames and receives Ctrl-C.

use board_support::console;
use board_support::mmio::Registers;

// SAFETY: this is the UART of the machine, and only this module touches it.
const UART: Registers<u8> = unsafe { Registers::new(0x1000_0000, 8) };

const DATA: usize = 0;
const INTERRUPTS: usize = 1;
const LINE_STATUS: usize = 5;

const RECEIVED: u8 = 1 << 0;
const TRANSMIT_EMPTY: u8 = 1 << 5;

/// Enables the receive interrupt. QEMU needs no baud rate.
pub(crate) fn start() {
    UART.write(INTERRUPTS, RECEIVED);
}

/// Waits until the UART has room, and sends a byte.
pub(crate) fn send(byte: u8) {
    while UART.read(LINE_STATUS) & TRANSMIT_EMPTY == 0 {}
    UART.write(DATA, byte);
}

/// Passes the received bytes to the console.
pub(crate) fn on_interrupt() {
    while UART.read(LINE_STATUS) & RECEIVED != 0 {
        console::received(UART.read(DATA));
    }
}
