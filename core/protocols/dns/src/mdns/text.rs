//! Text in fixed memory, whose code links without a panic.

/// A text of at most `MOST` bytes.
#[derive(Clone)]
pub(super) struct Text<const MOST: usize>(heapless::Vec<u8, MOST>);

impl<const MOST: usize> Text<MOST> {
    pub(super) const fn new() -> Self {
        Self(heapless::Vec::new())
    }

    /// Adds a text. Returns whether there is room for all of it.
    pub(super) fn push_str(&mut self, text: &str) -> bool {
        text.bytes().all(|byte| self.0.push(byte).is_ok())
    }

    /// Adds a character of ASCII, if there is room.
    pub(super) fn push_byte(&mut self, byte: u8) {
        let _ = self.0.push(byte);
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
