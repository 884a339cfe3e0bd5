//! The ways out of a guest: each becomes QEMU's exit status, by semihosting.

use core::panic::PanicInfo;

use cortex_m_rt::{ExceptionFrame, exception};

/// The status of a guest that panicked or faulted.
pub const BROKEN: i32 = 101;

/// Ends the guest with `status`.
pub fn exit(status: i32) -> ! {
    semihosting::process::exit(status)
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    match info.location() {
        Some(at) => defmt::error!("panicked at {=str}:{=u32}", at.file(), at.line()),
        None => defmt::error!("panicked"),
    }
    exit(BROKEN)
}

// SAFETY: the handler returns to nowhere and needs no state of the program that faulted.
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    defmt::error!("hard fault at {=u32:#x}", frame.pc());
    exit(BROKEN)
}
