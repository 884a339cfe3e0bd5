//! Console input of a guest: Ctrl-C has an effect, other bytes are ignored.

use core::cell::Cell;

use critical_section::Mutex;

const CTRL_C: u8 = 0x03;

/// A function that is called in the UART's interrupt.
pub type Call = fn();

static ON_CTRL_C: Mutex<Cell<Option<Call>>> = Mutex::new(Cell::new(None));

/// Sets `call` as the function for each Ctrl-C from now on. It runs in the UART's interrupt.
pub fn on_ctrl_c(call: Call) {
    critical_section::with(|cs| ON_CTRL_C.borrow(cs).set(Some(call)));
}

/// Handles a byte that the UART received.
pub fn received(byte: u8) {
    let call = critical_section::with(|cs| ON_CTRL_C.borrow(cs).get());
    if let Some(call) = call.filter(|_| byte == CTRL_C) {
        call();
    }
}
