//! Base64 (RFC 4648, 4).

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Writes `data` into `text`. Returns the length written; `None` if it does not fit.
pub(crate) fn encode(data: &[u8], text: &mut [u8]) -> Option<usize> {
    let mut used = 0_usize;
    for group in data.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let [two, three] = [group.len() > 1, group.len() > 2];
        for (shift, is_there) in [(18, true), (12, true), (6, two), (0, three)] {
            let digit = DIGITS.get((bits.wrapping_shr(shift) & 63) as usize)?;
            *text.get_mut(used)? = if is_there { *digit } else { b'=' };
            used = used.wrapping_add(1);
        }
    }
    Some(used)
}

/// Reads `text` into `data`. Returns the length; `None` if it is no Base64, or does not fit.
pub(crate) fn decode(text: &[u8], data: &mut [u8]) -> Option<usize> {
    if text.len() & 3 != 0 {
        return None;
    }
    let digits = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    let (mut bits, mut held, mut used) = (0_u32, 0_u32, 0_usize);
    for digit in digits {
        let value = DIGITS.iter().position(|known| known == digit)?;
        bits = bits << 6 | value as u32;
        held = held.wrapping_add(6);
        if held >= 8 {
            held = held.wrapping_sub(8);
            *data.get_mut(used)? = bits.wrapping_shr(held) as u8;
            used = used.wrapping_add(1);
            bits &= 1_u32.wrapping_shl(held).wrapping_sub(1);
        }
    }
    // Bits behind the last byte are zero, so that there is one text for each value.
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

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(data in proptest::collection::vec(any::<u8>(), 0..40)) {
            let (mut text, mut back) = ([0; 56], [0; 40]);
            let length = encode(&data, &mut text).unwrap();
            let length = decode(&text[..length], &mut back).unwrap();
            prop_assert_eq!(Vec::from(&back[..length]), data);
        }
    }
}
