//! Ends a guest: each way sets QEMU's exit status, by semihosting.
//!
//! QEMU must be started with `-semihosting-config enable=on`; without it, an exit causes a fault.

use core::panic::PanicInfo;

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

/// Ends a guest that cannot go on, and logs where it was.
pub(crate) fn broken() -> ! {
    backtrace::log();
    exit(BROKEN)
}
