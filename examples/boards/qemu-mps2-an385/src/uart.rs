//! The first UART, a CMSDK one: log frames go out, Ctrl-C comes in.

use core::cell::Cell;

use board_support::mmio::Registers;
use critical_section::Mutex;

use crate::interrupt::{self, Interrupt};

// SAFETY: this is UART0 of the board, and only this module touches it.
const UART: Registers = unsafe { Registers::new(0x4000_4000, 0x1000) };

const DATA: usize = 0x00;
const STATE: usize = 0x04;
const CONTROL: usize = 0x08;
const INTERRUPTS: usize = 0x0C;
const DIVISOR: usize = 0x10;

const TRANSMIT_FULL: u32 = 1 << 0;
const RECEIVE_FULL: u32 = 1 << 1;
const RECEIVED: u32 = 1 << 1;
/// Transmitter and receiver on, interrupts for received bytes.
const ON: u32 = 1 << 0 | 1 << 1 | 1 << 3;
/// The least the hardware takes.
const FASTEST: u32 = 16;

const CTRL_C: u8 = 0x03;

static ON_CTRL_C: Mutex<Cell<Option<fn()>>> = Mutex::new(Cell::new(None));

/// Switches the UART on.
pub(crate) fn start(on_ctrl_c: fn()) {
    critical_section::with(|cs| ON_CTRL_C.borrow(cs).set(Some(on_ctrl_c)));
    UART.write(DIVISOR, FASTEST);
    UART.write(CONTROL, ON);
    interrupt::unmask(Interrupt::Uart0Receive);
}

/// Sends a byte, when the UART has room for it.
pub(crate) fn send(byte: u8) {
    while UART.read(STATE) & TRANSMIT_FULL != 0 {}
    UART.write(DATA, u32::from(byte));
}

/// Takes what was received; Ctrl-C counts, the rest is nobody's.
pub(crate) extern "C" fn on_interrupt() {
    UART.write(INTERRUPTS, RECEIVED);
    while UART.read(STATE) & RECEIVE_FULL != 0 {
        if UART.read(DATA) as u8 == CTRL_C
            && let Some(call) = critical_section::with(|cs| ON_CTRL_C.borrow(cs).get())
        {
            call();
        }
    }
}
