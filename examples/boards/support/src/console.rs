//! What is typed at a guest: Ctrl-C counts, the rest is nobody's.

use core::cell::Cell;

use critical_section::Mutex;

const CTRL_C: u8 = 0x03;

/// What is called in the UART's interrupt.
pub type Call = fn();

static ON_CTRL_C: Mutex<Cell<Option<Call>>> = Mutex::new(Cell::new(None));

/// Has `call` called for each Ctrl-C from here on, in the UART's interrupt.
pub fn on_ctrl_c(call: Call) {
    critical_section::with(|cs| ON_CTRL_C.borrow(cs).set(Some(call)));
}

/// Takes a byte that the UART received.
pub fn received(byte: u8) {
    let call = critical_section::with(|cs| ON_CTRL_C.borrow(cs).get());
    if let Some(call) = call.filter(|_| byte == CTRL_C) {
        call();
    }
}
