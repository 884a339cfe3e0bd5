//! Validation of UTF-8 that arrives in pieces (RFC 3629, 4).

/// The state of the current character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Utf8 {
    /// The number of bytes of this character that have not arrived.
    left: u8,
    /// The smallest valid value of the next byte.
    low: u8,
    /// The largest valid value of the next byte.
    high: u8,
}

impl Utf8 {
    pub(crate) const NEW: Self = Self { left: 0, low: 0x80, high: 0xbf };

    /// Checks the next bytes of the text. Returns whether the text so far is valid UTF-8, except that its last
    /// character may be incomplete.
    #[must_use]
    pub(crate) fn take(&mut self, bytes: &[u8]) -> bool {
        bytes.iter().all(|byte| self.take_one(*byte))
    }

    /// Returns whether the last character is complete.
    pub(crate) const fn is_complete(self) -> bool {
        self.left == 0
    }

    fn take_one(&mut self, byte: u8) -> bool {
        if self.left > 0 {
            let fits = (self.low..=self.high).contains(&byte);
            *self = Self { left: self.left.wrapping_sub(1), ..Self::NEW };
            return fits;
        }
        let (left, low, high) = match byte {
            0..=0x7f => return true,
            0xc2..=0xdf => (1, 0x80, 0xbf),
            0xe0 => (2, 0xa0, 0xbf),
            0xed => (2, 0x80, 0x9f),
            0xe1..=0xef => (2, 0x80, 0xbf),
            0xf0 => (3, 0x90, 0xbf),
            0xf1..=0xf3 => (3, 0x80, 0xbf),
            0xf4 => (3, 0x80, 0x8f),
            _ => return false,
        };
        *self = Self { left, low, high };
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_text(parts: &[&[u8]]) -> bool {
        let mut utf8 = Utf8::NEW;
        parts.iter().all(|part| utf8.take(part)) && utf8.is_complete()
    }

    proptest! {
        #[test]
        fn every_split_agrees_with_the_standard_library(
            bytes in prop_oneof![
                proptest::collection::vec(prop_oneof![
                    any::<u8>(), 0x80..0xc0_u8, Just(0xe0), Just(0xed), Just(0xf0), Just(0xf4),
                ], 0..6),
                ".{0,4}".prop_map(std::string::String::into_bytes),
            ],
            at in any::<proptest::sample::Index>(),
        ) {
            let (first, second) = bytes.split_at(at.index(bytes.len() + 1));
            prop_assert_eq!(is_text(&[first, second]), str::from_utf8(&bytes).is_ok());
        }
    }

    #[test]
    fn an_invalid_byte_is_detected_at_once() {
        let mut utf8 = Utf8::NEW;
        assert!(utf8.take(b"ok \xf4"));
        assert!(!utf8.is_complete());
        assert!(!utf8.take(b"\x90"));
    }
}
