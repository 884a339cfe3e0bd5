//! The end of a guest: an exit, a panic or a fault. Each of the three sets QEMU's exit status by semihosting.
//!
//! QEMU must be started with `-semihosting-config enable=on`. Without this option, an exit causes a fault.

use core::panic::PanicInfo;

use crate::backtrace;

/// The exit status of a guest that panicked, faulted, or got an interrupt of a device without a driver.
pub const FAILURE_STATUS: i32 = 101;

/// Ends the guest with `status`.
pub fn exit(status: i32) -> ! {
    semihosting::process::exit(status)
}

/// Logs the active calls and exits. To save flash, this handler does not log the message of the panic: see
/// [`backtrace`].
#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    defmt::error!("panicked");
    fail()
}

/// Logs the active calls and exits, after a panic or a fault.
pub(crate) fn fail() -> ! {
    backtrace::log();
    exit(FAILURE_STATUS)
}
