//! Base64 (RFC 4648, 4).

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Encodes `data` into `text`. Returns the length of the text, or `None` if the text does not fit.
pub(crate) fn encode(data: &[u8], text: &mut [u8]) -> Option<usize> {
    let (mut bits, mut held, mut used) = (0_u32, 0_u32, 0_usize);
    let mut rest = data.iter();
    loop {
        let next = rest.next();
        if let Some(byte) = next {
            (bits, held) = (bits << 8 | u32::from(*byte), held.wrapping_add(8));
        } else if held > 0 {
            // Adds zero bits, so that the last bits of the data fill a whole Base64 character.
            (bits, held) = (bits << (6_u32.wrapping_sub(held) & 7), 6);
        }
        while held >= 6 {
            held = held.wrapping_sub(6);
            let digit = DIGITS.get((bits.wrapping_shr(held) & 63) as usize)?;
            *text.get_mut(used)? = *digit;
            used = used.wrapping_add(1);
        }
        if next.is_none() {
            break;
        }
    }
    while used & 3 != 0 {
        *text.get_mut(used)? = b'=';
        used = used.wrapping_add(1);
    }
    Some(used)
}

/// Returns the value of a Base64 character.
fn value_of(digit: u8) -> Option<u32> {
    DIGITS.iter().position(|known| *known == digit).map(|value| value as u32)
}

/// Returns whether `text` is Base64 of sixteen bytes.
pub(crate) fn encodes_16_bytes(text: &[u8]) -> bool {
    let Some([digits @ .., last]) = text.strip_suffix(b"==") else { return false };
    // The last character holds only two bits of the last byte. Its other four bits must be zero.
    let mut are_digits = digits.iter().all(|byte| value_of(*byte).is_some());
    are_digits &= value_of(*last).is_some_and(|value| value & 15 == 0);
    digits.len() == 21 && are_digits
}

/// Decodes `text` into `data`. Returns the length of the data, or `None` if `text` is not Base64 or the data does not
/// fit.
pub(crate) fn decode(text: &[u8], data: &mut [u8]) -> Option<usize> {
    if text.len() & 3 != 0 {
        return None;
    }
    let digits = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    let (mut bits, mut held, mut used) = (0_u32, 0_u32, 0_usize);
    for digit in digits {
        bits = bits << 6 | value_of(*digit)?;
        held = held.wrapping_add(6);
        if held >= 8 {
            held = held.wrapping_sub(8);
            *data.get_mut(used)? = bits.wrapping_shr(held) as u8;
            used = used.wrapping_add(1);
            bits &= 1_u32.wrapping_shl(held).wrapping_sub(1);
        }
    }
    // The unused bits must be zero, so each value has only one encoding.
    (bits == 0 && held < 6).then_some(used)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_examples_of_the_standard_hold() {
        for (data, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            let mut buffer = [0; 8];
            assert_eq!(encode(data.as_bytes(), &mut buffer), Some(text.len()));
            assert_eq!(&buffer[..text.len()], text.as_bytes());
            assert_eq!(decode(text.as_bytes(), &mut buffer), Some(data.len()));
            assert_eq!(&buffer[..data.len()], data.as_bytes());
        }
        for bad in ["Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zg==Zg==", "====", "Z===", "Zm 9", "Zm-9"] {
            assert_eq!(decode(bad.as_bytes(), &mut [0; 8]), None, "{bad}");
        }
        assert_eq!((encode(b"abc", &mut [0; 3]), decode(b"Zm9v", &mut [0; 2])), (None, None));
    }

    #[test]
    fn a_websocket_key_encodes_16_bytes() {
        assert!(encodes_16_bytes(b"dGhlIHNhbXBsZSBub25jZQ=="));
        let long = "dGhlIHNhbXBsZSBub25jZQAAAA==";
        for bad in ["", "==", "dGhlIHNhbXBsZSBub25jZR==", "dGhlIHNhbXBsZSBub25jZQA=", long] {
            assert!(!encodes_16_bytes(bad.as_bytes()), "{bad}");
        }
        assert!(!encodes_16_bytes(b"dGhlIHNhb-BsZSBub25jZQ=="));
    }

    proptest! {
        #[test]
        fn encodes_16_bytes_agrees_with_decode(text in "[A-Za-z0-9+/=-]{21,22}[AQgw=]==") {
            let has_16_bytes = decode(text.as_bytes(), &mut [0; 16]) == Some(16);
            prop_assert_eq!(encodes_16_bytes(text.as_bytes()), has_16_bytes);
        }

        #[test]
        fn decoding_reverses_encoding(data in proptest::collection::vec(any::<u8>(), 0..40)) {
            let (mut text, mut back) = ([0; 56], [0; 40]);
            let length = encode(&data, &mut text).unwrap();
            let length = decode(&text[..length], &mut back).unwrap();
            prop_assert_eq!(Vec::from(&back[..length]), data);
        }
    }
}
