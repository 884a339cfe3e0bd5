//! Ends a guest: each way sets QEMU's exit status, by semihosting.
//!
//! QEMU must be started with `-semihosting-config enable=on`; without it, an exit causes a fault.

use core::panic::PanicInfo;

use cortex_m_rt::{ExceptionFrame, exception};

use crate::backtrace;

/// The status of a guest that panicked, faulted or got an interrupt of a device without a driver.
pub const BROKEN: i32 = 101;

/// Ends the guest with `status`.
pub fn exit(status: i32) -> ! {
    semihosting::process::exit(status)
}

/// Logs the active calls and exits. It does not log the message, on purpose: see [`backtrace`].
#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    defmt::error!("panicked");
    broken()
}

fn broken() -> ! {
    backtrace::log();
    exit(BROKEN)
}

// SAFETY: the handler returns to nowhere and needs no state of the program that faulted.
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    defmt::error!("hard fault");
    defmt::error!("called from {=u32:#010x}", frame.pc());
    broken()
}

// SAFETY: the handler returns to nowhere and needs no state of the program it interrupted.
#[exception]
unsafe fn DefaultHandler(number: i16) -> ! {
    defmt::error!("no driver for interrupt {=i16}", number);
    broken()
}
