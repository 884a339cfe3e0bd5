//! Numbers as text. The formatting code of the core library is not used, because it is large and can panic.

/// A number in decimal digits.
pub(crate) struct Decimal {
    digits: [u8; 10],
    start: usize,
}

impl Decimal {
    /// An empty text.
    pub(crate) const NONE: Self = Self { digits: [b'0'; 10], start: 10 };

    #[inline(never)]
    pub(crate) fn of(mut value: u32) -> Self {
        let mut made = Self { digits: [b'0'; 10], start: 0 };
        for (at, digit) in made.digits.iter_mut().enumerate().rev() {
            *digit = b'0' | (value % 10) as u8;
            value /= 10;
            if value == 0 {
                made.start = at;
                break;
            }
        }
        made
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.digits.get(self.start..).unwrap_or_default()
    }
}

/// A number in hexadecimal digits, without leading zeros.
pub(crate) struct Hex {
    digits: [u8; 8],
    start: usize,
}

impl Hex {
    #[inline(never)]
    pub(crate) fn of(mut value: u32) -> Self {
        let mut made = Self { digits: [b'0'; 8], start: 0 };
        for (at, digit) in made.digits.iter_mut().enumerate().rev() {
            *digit = b"0123456789abcdef".get((value & 15) as usize).copied().unwrap_or(b'0');
            value >>= 4;
            if value == 0 {
                made.start = at;
                break;
            }
        }
        made
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.digits.get(self.start..).unwrap_or_default()
    }

    /// Returns all eight digits.
    pub(crate) const fn all(&self) -> &[u8; 8] {
        &self.digits
    }
}

/// The reason why text is not a number.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NumberError {
    /// The text is empty, or contains characters that are not digits.
    NoDigits,
    /// The number does not fit into 32 bits.
    TooLarge,
}

/// Reads `text` as a decimal number.
pub(crate) fn decimal(text: &[u8]) -> Result<u32, NumberError> {
    digits(text, 10)
}

/// Reads `text` as a hexadecimal number.
pub(crate) fn hex(text: &[u8]) -> Result<u32, NumberError> {
    digits(text, 16)
}

fn digits(text: &[u8], radix: u32) -> Result<u32, NumberError> {
    if text.is_empty() {
        return Err(NumberError::NoDigits);
    }
    let mut value = Ok(0_u32);
    for byte in text {
        let digit = (*byte as char).to_digit(radix).ok_or(NumberError::NoDigits)?;
        let next = |value: u32| value.checked_mul(radix)?.checked_add(digit);
        value = value.and_then(|value| next(value).ok_or(NumberError::TooLarge));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_without_leading_zeros() {
        for (value, decimal, hex) in
            [(0, "0", "0"), (9, "9", "9"), (10, "10", "a"), (u32::MAX, "4294967295", "ffffffff")]
        {
            assert_eq!(Decimal::of(value).as_bytes(), decimal.as_bytes());
            assert_eq!(Hex::of(value).as_bytes(), hex.as_bytes());
        }
        assert_eq!(Hex::of(0xbeef).all(), b"0000beef");
    }

    #[test]
    fn a_number_has_only_digits() {
        assert_eq!(decimal(b"0042"), Ok(42));
        assert_eq!(decimal(b"4294967295"), Ok(u32::MAX));
        assert_eq!(decimal(b"4294967296"), Err(NumberError::TooLarge));
        assert_eq!(decimal(b"99999999999999999999x"), Err(NumberError::NoDigits));
        assert_eq!(hex(b"FFffFFff"), Ok(u32::MAX));
        assert_eq!(hex(b"100000000"), Err(NumberError::TooLarge));
        for bad in [&b""[..], b"+1", b"-1", b"1 ", b" 1", b"1_0", b"0x1", b"\xb2"] {
            assert_eq!(decimal(bad), Err(NumberError::NoDigits), "{bad:?}");
            assert_eq!(hex(bad), Err(NumberError::NoDigits), "{bad:?}");
        }
    }
}
