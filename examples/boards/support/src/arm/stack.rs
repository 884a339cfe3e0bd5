//! Stops the program when its stack overflows.
//!
//! ```text
//!   static variables │ guard │ ◀── the stack grows down from the end of the RAM
//! ```
//!
//! Without the guard, a stack that grows too large silently overwrites static variables. With the guard, the first
//! write to the guard is a hard fault. The handler of the hard fault may write to the guard, which is then its stack. A
//! function that reserves more bytes than the guard has may write below the guard.

use core::arch::global_asm;

use cortex_m::peripheral::SCB;

unsafe extern "C" {
    /// The end of the static variables, from the linker script of cortex-m-rt.
    static _stack_end: u32;
}

/// The size of the guard and its alignment, in bytes.
const GUARD: u32 = 1024;

// The start-up code of cortex-m-rt calls `__pre_init` before the RAM has its initial values, so this function cannot be
// in Rust. The guard is a region of the memory protection unit (MPU). ARMv7-M and ARMv8-M have different registers for a
// region at the same addresses.
global_asm!(
    r#"
    .syntax unified
    .section .text.__pre_init,"ax",%progbits
    .global __pre_init
    .thumb_func
    __pre_init:
        ldr r0, =0xE000ED00
        ldr r1, =_stack_end + {guard} - 1
        bfc r1, #0, #10
        ldr r2, [r0]                 @ the processor's identification: bit 12 is set with ARMv8-M
        lsls r2, r2, #19
        bmi 1f
        adds r1, #0x10               @ region 0
        ldr r2, =0x15020013          @ no code, read-only, normal memory, 1024 bytes, enabled
        b 2f
    1:  addw r2, r1, #{guard} - 31   @ the last 32 bytes of the region, enabled
        adds r1, #5                  @ no code, read-only
    2:  strd r1, r2, [r0, #0x9C]
        movs r2, #5                  @ enabled, except in the handlers of hard faults; other memory is not restricted
        str r2, [r0, #0x94]
        dsb
        isb
        bx lr
"#,
    guard = const GUARD,
);

/// Returns the lowest address that the stack may use: the end of the guard.
pub fn stack_limit() -> usize {
    (&raw const _stack_end as usize).next_multiple_of(GUARD as usize) + GUARD as usize
}

/// Returns whether a write to the guard has caused the current hard fault.
pub(super) fn has_overflowed() -> bool {
    // Violations of the MPU's rules for data, by an instruction and by the entry of an exception.
    const VIOLATIONS: u32 = 1 << 1 | 1 << 4;
    // SAFETY: reading this register does not change it.
    unsafe { (*SCB::PTR).cfsr.read() & VIOLATIONS != 0 }
}
