//! A panic handler and critical sections. The linker needs both in each image, but an image never uses them.

use core::panic::PanicInfo;

use critical_section::{Impl, RawRestoreState, set_impl};

/// Never called: neither the core nor the images can panic.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

struct NoInterrupts;

set_impl!(NoInterrupts);

// SAFETY: an image that is never run has no interrupts and no second core.
unsafe impl Impl for NoInterrupts {
    unsafe fn acquire() -> RawRestoreState {}

    unsafe fn release((): RawRestoreState) {}
}
