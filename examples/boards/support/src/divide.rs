//! The division of 64-bit numbers, small instead of unrolled.
//!
//! Those that come with the compiler take nine hundred bytes; this takes a hundred and fifty. A divisor
//! below 65,536, as every conversion of time has, takes four divisions of the hardware; another takes
//! a step for each bit.

/// Returns the quotient and the remainder. Of a divisor of zero nothing is asked: the compiler
/// checks for it before.
pub fn divide(numerator: u64, divisor: u64) -> (u64, u64) {
    if divisor >> 16 == 0 {
        return divide_by_digits(numerator, divisor as u32);
    }
    let (mut quotient, mut remainder) = (numerator, 0_u64);
    for _ in 0..64 {
        // The bit that is shifted out counts too: then the remainder is above every divisor.
        let carry = remainder >> 63 != 0;
        remainder = remainder << 1 | quotient >> 63;
        quotient <<= 1;
        if carry || remainder >= divisor {
            remainder = remainder.wrapping_sub(divisor);
            quotient |= 1;
        }
    }
    (quotient, remainder)
}

/// By hand, as on paper, with digits of 16 bits.
fn divide_by_digits(numerator: u64, divisor: u32) -> (u64, u64) {
    let (mut quotient, mut remainder) = (0, 0);
    for digit in [48, 32, 16, 0] {
        let part = remainder << 16 | (numerator >> digit) as u32 & 0xffff;
        quotient = quotient << 16 | u64::from(part.checked_div(divisor).unwrap_or(0));
        remainder = part.checked_rem(divisor).unwrap_or(0);
    }
    (quotient, remainder.into())
}
