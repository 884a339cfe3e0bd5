//! The ways out of a guest: each becomes QEMU's exit status, by semihosting.
//!
//! QEMU must be started with `-semihosting-config enable=on`; without it, leaving is a fault.

use core::panic::PanicInfo;

use cortex_m_rt::{ExceptionFrame, exception};

/// The status of a guest that panicked, faulted or was interrupted by a device nobody drives.
pub const BROKEN: i32 = 101;

/// Ends the guest with `status`.
pub fn exit(status: i32) -> ! {
    semihosting::process::exit(status)
}

/// Logs where and, when the message is a plain text, why. A message with values in it would take
/// the formatting machinery of the core library, several kilobytes of flash.
#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    let (file, line) = info.location().map_or(("?", 0), |at| (at.file(), at.line()));
    let why = info.message().as_str().unwrap_or("see there");
    defmt::error!("panicked at {=str}:{=u32}: {=str}", file, line, why);
    exit(BROKEN)
}

// SAFETY: the handler returns to nowhere and needs no state of the program that faulted.
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    defmt::error!("hard fault at {=u32:#x}", frame.pc());
    exit(BROKEN)
}

// SAFETY: the handler returns to nowhere and needs no state of the program it interrupted.
#[exception]
unsafe fn DefaultHandler(number: i16) -> ! {
    defmt::error!("no driver for interrupt {=i16}", number);
    exit(BROKEN)
}
