//! A small 64-bit division, used instead of the compiler's unrolled division.
//!
//! The compiler's division takes 920 bytes of flash; this division takes 248 bytes. For a divisor below 65,536, as in
//! every conversion of time, this division needs four hardware divisions. For a larger divisor, this division needs one
//! step per bit.

/// Returns the quotient and the remainder. The divisor is never zero: the compiler's code checks the divisor before the
/// call.
pub fn divide(numerator: u64, divisor: u64) -> (u64, u64) {
    if divisor >> 16 == 0 {
        return divide_by_digits(numerator, divisor as u32);
    }
    let (mut quotient, mut remainder) = (numerator, 0_u64);
    for _ in 0..64 {
        // If a bit is shifted out, the remainder is larger than every divisor.
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

/// Returns the quotient and the remainder by long division with digits of 16 bits.
fn divide_by_digits(numerator: u64, divisor: u32) -> (u64, u64) {
    let (mut quotient, mut remainder) = (0, 0);
    for digit in [48, 32, 16, 0] {
        let part = remainder << 16 | (numerator >> digit) as u32 & 0xffff;
        quotient = quotient << 16 | u64::from(part.checked_div(divisor).unwrap_or(0));
        remainder = part.checked_rem(divisor).unwrap_or(0);
    }
    (quotient, remainder.into())
}
