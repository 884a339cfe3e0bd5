//! The exits on failure: each ends QEMU with a status that is not zero.

use core::panic::PanicInfo;

use cortex_m_rt::{ExceptionFrame, exception};
use semihosting::{eprintln, process};

/// The status of a program that panicked or faulted.
const FAILED: i32 = 101;

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    eprintln!("error: {info}");
    process::exit(FAILED)
}

// SAFETY: the handler never returns, and needs no state of the program that faulted.
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    eprintln!("error: hard fault at {:#010x}", frame.pc());
    process::exit(FAILED)
}

// SAFETY: the handler never returns, and needs no state of the program that it interrupted.
#[exception]
unsafe fn DefaultHandler(number: i16) -> ! {
    eprintln!("error: interrupt {number} has no handler");
    process::exit(FAILED)
}
