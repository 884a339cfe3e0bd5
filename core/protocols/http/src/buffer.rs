//! Short text that is put together.

use crate::text::copy;

/// Room for `N` bytes of ASCII text. What does not fit is left out, part by part.
pub(crate) struct Buffer<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Buffer<N> {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; N], len: 0 }
    }

    pub(crate) fn put(&mut self, text: &[u8]) {
        let room = self.bytes.get_mut(self.len..);
        if let Some(room) = room.and_then(|room| room.get_mut(..text.len())) {
            copy(room, text);
            self.len = self.len.saturating_add(text.len());
        }
    }

    pub(crate) fn drop_last(&mut self, amount: usize) {
        self.len = self.len.saturating_sub(amount);
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}
