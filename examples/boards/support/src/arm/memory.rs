//! Small memory functions and a small 64-bit division, used instead of the compiler's unrolled versions.
//!
//! The compiler's memory functions take 3.3 KB; the functions of this module take 100 bytes. A copy moves words, which
//! a Cortex-M3 can read and write at any address, and then the remaining bytes. A move to a higher address goes
//! backwards, byte by byte. Filling goes byte by byte. The linker uses these functions, because the symbols of the
//! compiler's functions are weak. The division is in [`divide`](super::divide).

use core::arch::global_asm;

use super::divide::divide;

/// Divides for `__aeabi_uldivmod`. That function is in assembler, because it must return the quotient and the remainder
/// in registers.
// SAFETY: no other function has this name.
#[unsafe(no_mangle)]
extern "C" fn board_divide(numerator: u64, divisor: u64, remainder: &mut u64) -> u64 {
    let (quotient, rest) = divide(numerator, divisor);
    *remainder = rest;
    quotient
}

global_asm!(
    r#"
    .syntax unified
    .section .text.divide,"ax",%progbits
    .thumb_func
    .global __aeabi_uldivmod
    __aeabi_uldivmod:
        push {{r4, lr}}
        sub sp, #16
        add r4, sp, #8
        str r4, [sp]
        bl board_divide
        ldrd r2, r3, [sp, #8]
        add sp, #16
        pop {{r4, pc}}
"#
);

global_asm!(
    r#"
    .syntax unified
    .section .text.memory,"ax",%progbits
    .thumb_func
    .global __aeabi_memcpy
    .global __aeabi_memcpy4
    .global __aeabi_memcpy8
    .global memcpy
    .thumb_func
    __aeabi_memcpy:
    .thumb_func
    __aeabi_memcpy4:
    .thumb_func
    __aeabi_memcpy8:
    .thumb_func
    memcpy:
        mov r12, r0
    1:  subs r2, #4
        blt 2f
        ldr r3, [r1], #4
        str r3, [r12], #4
        b 1b
    2:  adds r2, #4
    3:  subs r2, #1
        it lt
        bxlt lr
        ldrb r3, [r1], #1
        strb r3, [r12], #1
        b 3b
    .global __aeabi_memmove
    .global __aeabi_memmove4
    .global __aeabi_memmove8
    .global memmove
    .thumb_func
    __aeabi_memmove:
    .thumb_func
    __aeabi_memmove4:
    .thumb_func
    __aeabi_memmove8:
    .thumb_func
    memmove:
        cmp r0, r1
        bls memcpy
    4:  subs r2, #1
        it lt
        bxlt lr
        ldrb r3, [r1, r2]
        strb r3, [r0, r2]
        b 4b
    .global __aeabi_memset
    .global __aeabi_memset4
    .global __aeabi_memset8
    .global __aeabi_memclr
    .global __aeabi_memclr4
    .global __aeabi_memclr8
    .global memset
    .thumb_func
    __aeabi_memclr:
    .thumb_func
    __aeabi_memclr4:
    .thumb_func
    __aeabi_memclr8:
        movs r2, #0
    .thumb_func
    __aeabi_memset:
    .thumb_func
    __aeabi_memset4:
    .thumb_func
    __aeabi_memset8:
    5:  subs r1, #1
        it lt
        bxlt lr
        strb r2, [r0], #1
        b 5b
    .thumb_func
    memset:
        mov r12, r0
    6:  subs r2, #1
        it lt
        bxlt lr
        strb r1, [r12], #1
        b 6b
"#
);
