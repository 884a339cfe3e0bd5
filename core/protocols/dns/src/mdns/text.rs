//! Text in a fixed buffer. The compiled code contains no panic, whatever the optimization level.

/// A text of at most `MAX` bytes.
#[derive(Clone)]
pub(super) struct Text<const MAX: usize> {
    bytes: [u8; MAX],
    length: usize,
}

impl<const MAX: usize> Text<MAX> {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; MAX], length: 0 }
    }

    /// Appends a text. Returns whether all of it fits.
    pub(super) fn push_str(&mut self, text: &str) -> bool {
        text.bytes().all(|byte| self.push_byte(byte))
    }

    /// Appends a byte. Returns whether it fits.
    pub(super) fn push_byte(&mut self, byte: u8) -> bool {
        let Some(target) = self.bytes.get_mut(self.length) else { return false };
        *target = byte;
        self.length = self.length.wrapping_add(1);
        true
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    pub(super) fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.length == 0
    }
}
