//! A buffer in which the library writes header fields of answers, such as `Allow` and `ETag`.

use crate::text::{copy, next};

/// A buffer of 192 bytes. A text or a value that does not fit is left out as a whole.
pub(crate) struct Buffer {
    bytes: [u8; 192],
    len: usize,
}

impl Buffer {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; 192], len: 0 }
    }

    /// Adds a text. Each zero byte in the text is replaced with the next value of `values`.
    #[inline(never)]
    pub(crate) fn put(&mut self, text: &str, values: &[&[u8]]) {
        let mut values = values.iter();
        let mut left = Some(text.as_bytes());
        while left.is_some() {
            self.add(next(&mut left, 0));
            self.add(values.next().copied().unwrap_or_default());
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        let room = self.bytes.get_mut(self.len..);
        if let Some(room) = room.and_then(|room| room.get_mut(..bytes.len())) {
            copy(room, bytes);
            self.len = self.len.saturating_add(bytes.len());
        }
    }

    pub(crate) fn drop_last(&mut self, amount: usize) {
        self.len = self.len.saturating_sub(amount);
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_bytes_are_replaced_by_values() {
        let mut buffer = Buffer::new();
        buffer.put("a: \0, \0\0\r\n", &[b"one", b"2", b""]);
        buffer.put("b\r\n", &[]);
        assert_eq!(buffer.as_bytes(), b"a: one, 2\r\nb\r\n");
        buffer.put("\0!", &[&[b'.'; 192]]);
        assert_eq!(buffer.as_bytes(), b"a: one, 2\r\nb\r\n!", "what does not fit is left out");
    }
}
