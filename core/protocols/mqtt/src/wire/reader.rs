//! Reads numbers, texts and bytes from the body of a packet.

use super::Reason;

/// The unread part of a packet's body.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'p>(pub(crate) &'p [u8]);

impl<'p> Reader<'p> {
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn take(&mut self, amount: usize) -> Result<&'p [u8], Reason> {
        let (taken, rest) = self.0.split_at_checked(amount).ok_or(Reason::MALFORMED_PACKET)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Reads a number of `size` bytes.
    fn number(&mut self, size: usize) -> Result<u32, Reason> {
        Ok(self.take(size)?.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Reason> {
        self.number(1).map(|number| number as u8)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Reason> {
        self.number(2).map(|number| number as u16)
    }

    /// Reads a packet identifier, which must not be zero.
    pub(crate) fn packet_id(&mut self) -> Result<u16, Reason> {
        Some(self.u16()?).filter(|id| *id != 0).ok_or(Reason::PROTOCOL_ERROR)
    }

    pub(crate) fn varint(&mut self) -> Result<u32, Reason> {
        let (value, size) = varint(self.0)?.ok_or(Reason::MALFORMED_PACKET)?;
        self.take(size)?;
        Ok(value)
    }

    /// Reads a variable byte integer, and returns its encoded bytes. The bytes are all zero only if the number is zero.
    /// The check of the subscription identifier uses this fact.
    pub(crate) fn varint_bytes(&mut self) -> Result<&'p [u8], Reason> {
        let bytes = self.0;
        self.varint()?;
        Ok(bytes.get(..bytes.len().saturating_sub(self.0.len())).unwrap_or_default())
    }

    /// Reads a length of two bytes, and then this number of bytes.
    pub(crate) fn binary(&mut self) -> Result<&'p [u8], Reason> {
        let length = self.u16()?;
        self.take(length.into())
    }

    /// Reads a text: UTF-8 without U+0000.
    pub(crate) fn text(&mut self) -> Result<&'p str, Reason> {
        let text = str::from_utf8(self.binary()?).ok();
        text.filter(|text| !text.as_bytes().contains(&0)).ok_or(Reason::MALFORMED_PACKET)
    }

    /// Returns an error if bytes are left.
    pub(crate) const fn end(&self) -> Result<(), Reason> {
        if self.is_empty() { Ok(()) } else { Err(Reason::MALFORMED_PACKET) }
    }
}

/// Reads a variable byte integer (MQTT 5, section 1.5.5). Returns its value and its size, or `None` until the integer
/// has arrived.
pub(super) fn varint(bytes: &[u8]) -> Result<Option<(u32, usize)>, Reason> {
    let mut value = 0_u32;
    for (byte, index) in bytes.iter().zip(0_u8..4) {
        value |= u32::from(byte & 0x7F).wrapping_shl(u32::from(index).wrapping_mul(7));
        if byte & 0x80 == 0 {
            let is_shortest = *byte != 0 || index == 0;
            let size = usize::from(index).saturating_add(1);
            return if is_shortest {
                Ok(Some((value, size)))
            } else {
                Err(Reason::MALFORMED_PACKET)
            };
        }
    }
    if bytes.len() < 4 { Ok(None) } else { Err(Reason::MALFORMED_PACKET) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_byte_integer_has_at_most_four_bytes_and_is_in_its_shortest_form() {
        for (bytes, value) in [
            (&[0][..], 0),
            (&[0x7F], 127),
            (&[0x80, 1], 128),
            (&[0xFF, 0x7F], 16_383),
            (&[0x80, 0x80, 1], 16_384),
            (&[0xFF, 0xFF, 0xFF, 0x7F], 268_435_455),
        ] {
            assert_eq!(varint(bytes), Ok(Some((value, bytes.len()))));
            assert_eq!(varint(&bytes[..bytes.len() - 1]), Ok(None));
        }
        for bytes in [&[0x80, 0][..], &[0xFF, 0xFF, 0xFF, 0xFF], &[0x80; 5], &[0x81, 0x80, 0]] {
            assert_eq!(varint(bytes), Err(Reason::MALFORMED_PACKET), "{bytes:?}");
        }
    }

    #[test]
    fn a_text_is_utf_8_without_nul() {
        assert_eq!(Reader(b"\x00\x02\xc3\xa9rest").text(), Ok("é"));
        for bad in
            [&b"\x00\x01\x00"[..], b"\x00\x01\xc3", b"\x00\x03ab", b"\x00", b"\x00\x03\xed\xa0\x80"]
        {
            assert_eq!(Reader(bad).text(), Err(Reason::MALFORMED_PACKET), "{bad:?}");
        }
    }
}
