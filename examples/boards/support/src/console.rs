//! The console input of a guest: Ctrl-C, and the key that acts as the button. Other bytes are ignored.

use core::cell::Cell;

use critical_section::Mutex;

const CTRL_C: u8 = 0x03;

/// The key that acts as the board's button.
const BUTTON: u8 = b'b';

/// A function that the UART's interrupt calls.
pub type Call = fn();

static ON_CTRL_C: Mutex<Cell<Option<Call>>> = Mutex::new(Cell::new(None));
static ON_BUTTON: Mutex<Cell<Option<Call>>> = Mutex::new(Cell::new(None));

/// Sets `call` as the function that is called for each Ctrl-C from now on. The UART's interrupt handler calls this
/// function.
pub fn on_ctrl_c(call: Call) {
    critical_section::with(|cs| ON_CTRL_C.borrow(cs).set(Some(call)));
}

/// Sets `call` as the function that is called for each press of the button, which is the key `b`, from now on. The
/// UART's interrupt handler calls this function.
pub fn on_button(call: Call) {
    critical_section::with(|cs| ON_BUTTON.borrow(cs).set(Some(call)));
}

/// Handles a byte that the UART received.
pub fn received(byte: u8) {
    let call = match byte {
        CTRL_C => &ON_CTRL_C,
        BUTTON => &ON_BUTTON,
        _ => return,
    };
    if let Some(call) = critical_section::with(|cs| call.borrow(cs).get()) {
        call();
    }
}
