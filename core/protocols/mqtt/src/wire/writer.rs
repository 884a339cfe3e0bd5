//! Writes numbers, texts and bytes into a packet.

/// Writes bytes into a buffer, and counts them. Bytes that do not fit into the buffer are only counted. So a writer
/// with an empty buffer only counts.
pub(crate) struct Writer<'b> {
    buffer: &'b mut [u8],
    len: usize,
    is_invalid: bool,
}

/// The length in bytes of the longest body of a packet.
const MAX_BODY_LENGTH: usize = 268_435_455;

impl<'b> Writer<'b> {
    pub(crate) const fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, len: 0, is_invalid: false }
    }

    /// Returns the number of bytes that `write` writes. Returns `None` if no packet can contain these bytes: a text or
    /// binary data longer than 65,535 bytes, a text with U+0000, or a body that is too long.
    #[inline(never)]
    pub(crate) fn count(write: &dyn Fn(&mut Writer<'_>)) -> Option<usize> {
        let mut counter = Writer::new(&mut []);
        write(&mut counter);
        (!counter.is_invalid).then_some(counter.len)
    }

    /// Returns the number of bytes written.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    #[inline(never)]
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        // This is a loop, because the optimizer does not always see that `copy_from_slice` cannot panic.
        let room = self.buffer.get_mut(self.len..).unwrap_or_default();
        room.iter_mut().zip(bytes).for_each(|(target, byte)| *target = *byte);
        self.len = self.len.saturating_add(bytes.len());
    }

    #[inline(never)]
    pub(crate) fn u8(&mut self, number: u8) {
        self.raw(&[number]);
    }

    #[inline(never)]
    pub(crate) fn u16(&mut self, number: u16) {
        self.raw(&number.to_be_bytes());
    }

    pub(crate) fn u32(&mut self, number: u32) {
        self.raw(&number.to_be_bytes());
    }

    /// Writes a variable byte integer.
    #[inline(never)]
    pub(crate) fn varint(&mut self, number: usize) {
        self.is_invalid |= number > MAX_BODY_LENGTH;
        let mut rest = number;
        loop {
            let more = if rest > 0x7F { 0x80 } else { 0 };
            self.u8((rest & 0x7F) as u8 | more);
            rest >>= 7;
            if rest == 0 {
                return;
            }
        }
    }

    /// Writes the length of `bytes` as two bytes, and then `bytes`.
    #[inline(never)]
    pub(crate) fn binary(&mut self, bytes: &[u8]) {
        self.is_invalid |= bytes.len() > usize::from(u16::MAX);
        self.u16(bytes.len() as u16);
        self.raw(bytes);
    }

    #[inline(never)]
    pub(crate) fn text(&mut self, text: &str) {
        self.is_invalid |= text.as_bytes().contains(&0);
        self.binary(text.as_bytes());
    }

    /// Writes the length of the output of `write`, and then this output. Used for the properties and for the body of a
    /// packet.
    #[inline(never)]
    pub(crate) fn section(&mut self, write: &dyn Fn(&mut Writer<'_>)) {
        let length = Writer::count(write);
        self.is_invalid |= length.is_none();
        self.varint(length.unwrap_or(0));
        write(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Reader;

    #[test]
    fn written_numbers_are_read_back() {
        let mut buffer = [0; 64];
        for number in [0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, MAX_BODY_LENGTH] {
            let mut writer = Writer::new(&mut buffer);
            writer.varint(number);
            let length = writer.len();
            assert_eq!(Reader(&buffer[..length]).varint(), Ok(number as u32));
        }
    }

    #[test]
    fn content_that_no_packet_can_contain_has_no_length() {
        assert_eq!(Writer::count(&|writer| writer.text("a\0b")), None);
        assert_eq!(Writer::count(&|writer| writer.binary(&[0; 65_536])), None);
        assert_eq!(Writer::count(&|writer| writer.binary(&[0; 65_535])), Some(65_537));
        assert_eq!(Writer::count(&|writer| writer.varint(MAX_BODY_LENGTH + 1)), None);
        assert_eq!(Writer::count(&|writer| writer.section(&|inner| inner.text("\0"))), None);
    }
}
